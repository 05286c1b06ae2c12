"""Five newcomers, from a folder of photos to an answer, in both languages: how many commands, and how much
is typed.

`pytest tests/journeys -rP` prints the counts.
"""

import re

import pytest

from tests.journeys.newcomer import Newcomer, needs_weights_by_pip, photographs, suggested

pytestmark = [pytest.mark.slow, needs_weights_by_pip()]
SENTENCE = re.compile(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")
"""Three English words in a row."""
HANGUL = re.compile(r"[가-힣]")
FOLDER = {"en": "my photos", "ko": "새 폴더"}
CLASSES = {"en": ("kimchi stew", "egg rolls"), "ko": ("김치 찌개", "계란말이")}
RUN = {"en": "my-photos", "ko": "새-폴더"}
NEXT = {"en": "Next:", "ko": "다음 단계:"}
UNSURE = {"en": "I don't know", "ko": "모르겠습니다"}


@pytest.fixture(scope="module", params=["en", "ko"])
def kitchen(request, tmp_path_factory):
    """A cook with two folders of photos, whose names have blanks, and the run that they train."""
    lang = request.param
    cook = Newcomer(tmp_path_factory.mktemp("kitchen"), lang)
    photographs(cook.home / FOLDER[lang], CLASSES[lang])
    cook.said = cook.types(f'python -m kimchi_vision run "{FOLDER[lang]}"')
    return cook


def beside(other: Newcomer) -> Newcomer:
    """Somebody else who goes on where another one is."""
    return Newcomer(other.home, other.lang)


def in_the_language(said: str, lang: str) -> bool:
    """Whether sentences are: no line of three English words in a row in Korean, no Hangul in English."""
    return not [line for line in said.splitlines() if (SENTENCE if lang == "ko" else HANGUL).search(line)]


def counted(who: str, newcomer: Newcomer) -> tuple[int, int]:
    print(f"{who}, {newcomer.lang}: {newcomer.commands} commands, {newcomer.characters} characters typed")
    return newcomer.typed


def test_a_cook_asks_about_a_new_photo(kitchen):
    assert NEXT[kitchen.lang] in kitchen.said
    answer = kitchen.pastes(suggested(kitchen.said, "predict"))
    assert re.search(rf"({'|'.join(CLASSES[kitchen.lang])}) \d", answer)
    evaluated = kitchen.pastes(suggested(kitchen.said, "evaluate"))
    assert in_the_language(kitchen.said + answer + evaluated, kitchen.lang)
    assert (kitchen.home / "exports" / RUN[kitchen.lang] / "report.html").is_file()
    assert counted("cook", kitchen) == (3, {"en": 39, "ko": 34}[kitchen.lang])


def test_a_student_reads_the_report_and_what_can_be_set(kitchen):
    student = beside(kitchen)
    said = student.types("python -m kimchi_vision keys augment")
    said += student.types(f"python -m kimchi_vision report exports/{RUN[student.lang]}")
    assert in_the_language(said, student.lang)
    page = (student.home / "exports" / RUN[student.lang] / "report.html").read_text(encoding="utf-8")
    assert f'<html lang="{student.lang}">' in page
    assert {"en": "validation", "ko": "검증"}[student.lang] in page
    assert counted("student", student) == (2, {"en": 84, "ko": 79}[student.lang])


def test_a_data_scientist_sees_the_run_in_a_notebook(kitchen):
    scientist = beside(kitchen)
    folder, run = FOLDER[scientist.lang], RUN[scientist.lang]
    scientist.types(
        f"""python -c "import kimchi_vision as kv; print(kv.run('{folder}').score['accuracy'])" """.strip()
    )
    said = scientist.types(
        f"""python -c "import kimchi_vision as kv; print(kv.Run('exports/{run}'))" """.strip()
    )
    assert run in said
    assert counted("data scientist", scientist) == (2, {"en": 158, "ko": 148}[scientist.lang])


def test_an_app_developer_runs_the_lines_of_the_card(kitchen):
    developer = beside(kitchen)
    lang, run = developer.lang, kitchen.home / "exports" / RUN[developer.lang]
    (lines,) = re.findall(r"```python\n(.*?)```", (run / "card.md").read_text(encoding="utf-8"), re.DOTALL)
    photo = next((kitchen.home / FOLDER[lang] / CLASSES[lang][1]).iterdir())
    (run / "photo.jpg").write_bytes(photo.read_bytes())
    (run / "app.py").write_text(lines, encoding="utf-8")
    answer = developer.types(f"cd exports/{run.name} && python app.py")
    assert re.match(rf"({'|'.join((*CLASSES[lang], UNSURE[lang]))}) [\d.]+", answer)
    assert len(lines.splitlines()) == 11
    assert counted("app developer", developer) == (1, {"en": 37, "ko": 32}[lang])


def test_a_lead_who_must_decide_compares_two_runs(kitchen):
    lead = beside(kitchen)
    run = RUN[lead.lang]
    lead.types(f"python -m kimchi_vision run experiments/{run}.yaml --set recipe=quick --set name=quick")
    said = lead.types(f"python -m kimchi_vision compare exports/{run} exports/quick")
    verdict = {"en": "better than|the same|equal|cannot tell", "ko": "낫|서로 같|알 수 없"}[lead.lang]
    assert re.search(verdict, said, re.IGNORECASE)
    assert in_the_language(said, lead.lang)
    assert counted("lead", lead) == (2, {"en": 153, "ko": 143}[lead.lang])
