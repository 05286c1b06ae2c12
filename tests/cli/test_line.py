"""--help, and what is said of a wrong line, in the reader's language."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "words", ["--help", "run --help", "data import --help", "serve --help", "cache --help"]
)
def test_help_is_korean(command, words):
    said = command("--lang", "ko", *words.split()).out
    assert "사용법: " in said
    assert not [
        each for each in ("Usage", "Options", "Arguments", "default", "required", "Show this") if each in said
    ]
    assert "Usage: " in command(*words.split()).out  # and English for the next reader


@pytest.mark.parametrize(
    ("words", "english", "korean"),
    [
        ("serve --prt 1", "No such option: --prt (Possible options: --port)", "혹시 --port입니까?"),
        ("serve x --port abc", "should be a valid integer", "'--port': 정수를 쓰세요."),
        ("serve x --port 99999", "less than or equal to 65535", "'--port': 65535 이하로 쓰세요."),
        ("predict a b --runtime x", "'x' is not one of", "'onnxruntime', 'openvino' 중 하나를 쓰세요."),
        ("run", "Missing argument 'experiment'.", "'experiment' 인자가 없습니다."),
        ("data fetch a", "Missing option '--to'.", "'--to' 옵션이 없습니다."),
        ("run a b", "unexpected extra argument(s) (b)", "필요 없는 인자가 있습니다: b."),
        ("cache clera", "Did you mean 'clear'?", "혹시 'clear'입니까?"),
        ("run a --exports", "requires an argument", "--exports' 옵션에는 값이 필요합니다."),
        ("predict nope p.jpg", "p.jpg: there is no such photo", "p.jpg: 그런 사진이나 폴더가 없습니다."),
    ],
)
def test_a_wrong_line_is_answered_with_2_in_the_readers_language(command, words, english, korean):
    for lang, said in (("en", english), ("ko", korean)):
        done = command("--lang", lang, *words.split())
        assert (done.code, said in " ".join(done.err.replace("│", " ").split())) == (2, True), done.err


@pytest.mark.parametrize("words", ["--lang ko keys augment.size", "keys augment.size --lang=ko"])
def test_every_command_takes_a_language(command, words):
    assert "모델이 보는 크기, 픽셀" in command(*words.split()).out


def test_the_environment_says_the_language(command, monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert "휴대폰용 페이지와 API" in command().out
    assert "휴대폰" not in command("--lang", "en").out


def test_a_korean_start_is_as_quick_as_an_english_one():
    """What draws help takes a third of a start to import; without help nobody waits for it."""
    code = "import sys; from kimchi_vision.cli.main import main\ntry: main()\n"
    code += "finally: print('typer.rich_utils' in sys.modules)"
    korean = {**os.environ, "LC_ALL": "ko_KR.UTF-8", "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=korean)
    first, *_, drawn = done.stdout.splitlines()
    assert ("사진" in first, drawn) == (True, "False")
