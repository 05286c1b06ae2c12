"""Five newcomers, from a folder of photos to an answer: how many commands, and how much is typed.

`pytest tests/journeys -rP` prints the counts.
"""

import re

import pytest

from tests.journeys.newcomer import Newcomer, needs_weights_by_pip, photographs, suggested

pytestmark = [pytest.mark.slow, needs_weights_by_pip()]
SENTENCE = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")
"""Three English words in a row."""


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory):
    """A cook with two folders of photos, whose names have blanks, and the run that they train."""
    cook = Newcomer(tmp_path_factory.mktemp("kitchen"), "C.UTF-8")
    photographs(cook.home / "my photos")
    cook.said = cook.types('python -m kimchi_vision run "my photos"')
    return cook


def beside(other: Newcomer) -> Newcomer:
    """Somebody else who goes on where another one is."""
    return Newcomer(other.home, other.language)


def counted(who: str, newcomer: Newcomer) -> tuple[int, int]:
    print(f"{who}: {newcomer.commands} commands, {newcomer.characters} characters typed")
    return newcomer.typed


def test_a_cook_asks_about_a_new_photo(kitchen):
    assert "Next:" in kitchen.said
    answer = kitchen.pastes(suggested(kitchen.said, "predict"))
    assert re.search(r"(kimchi stew|egg rolls) \d", answer)
    kitchen.pastes(suggested(kitchen.said, "evaluate"))
    assert (kitchen.home / "exports" / "my-photos" / "report.html").is_file()
    assert counted("cook", kitchen) == (3, 39)


def test_a_korean_student_reads_korean(tmp_path):
    student = Newcomer(tmp_path, "ko_KR.UTF-8")
    photographs(tmp_path / "새 폴더", seed=1)
    said = student.types('python -m kimchi_vision run "새 폴더"')
    said += student.pastes(suggested(said, "predict"))
    english = [line for line in said.splitlines() if SENTENCE.search(line)]
    assert not english
    assert "다음 단계:" in said
    assert (tmp_path / "exports" / "새-폴더" / "report.html").is_file()
    assert counted("student", student) == (2, 34)


def test_an_app_developer_runs_the_lines_of_the_card(kitchen, tmp_path):
    developer = beside(kitchen)
    run = kitchen.home / "exports" / "my-photos"
    (lines,) = re.findall(r"```python\n(.*?)```", (run / "card.md").read_text(encoding="utf-8"), re.DOTALL)
    photo = next((kitchen.home / "my photos" / "egg rolls").iterdir())
    (run / "photo.jpg").write_bytes(photo.read_bytes())
    (run / "app.py").write_text(lines, encoding="utf-8")
    answer = developer.types("cd exports/my-photos && python app.py")
    assert re.match(r"(kimchi stew|egg rolls|I don't know) [\d.]+", answer)
    assert len(lines.splitlines()) == 11
    assert counted("developer", developer) == (1, 37)


def test_a_lead_compares_two_runs(kitchen):
    lead = beside(kitchen)
    lead.types("python -m kimchi_vision run experiments/my-photos.yaml --set recipe=quick --set name=quick")
    said = lead.types("python -m kimchi_vision compare exports/my-photos exports/quick")
    assert re.search(r"(better than|practically equal|cannot tell)", said, re.IGNORECASE)
    assert counted("lead", lead) == (2, 153)


def test_a_notebook_shows_the_run_of_a_folder(kitchen):
    reader = beside(kitchen)
    reader.types(
        "python -c \"import kimchi_vision as kv; run = kv.run('my photos'); print(run.score['accuracy'])\""
    )
    said = reader.types("python -c \"import kimchi_vision as kv; print(kv.Run('exports/my-photos'))\"")
    assert "my-photos" in said
    assert counted("notebook", reader)[0] == 2
