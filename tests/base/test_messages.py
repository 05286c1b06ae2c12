import io
import json
import logging
import pickle
import re
import string
import zipfile

import pandas as pd
import pytest

from kimchi_vision.base import sentence
from kimchi_vision.base.errors import DataError, InputError, RunError
from kimchi_vision.base.hangul import with_particles
from kimchi_vision.base.messages import TEXTS, LogFormat, catalogue, language
from kimchi_vision.base.sentence import Sentence


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_take_the_same_values(key):
    english, korean = (
        {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in TEXTS[key]
    )
    assert english == korean


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE"}, "en"),
    ],
)
def test_auto_asks_the_environment(variables, expected, monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language("auto") == expected


def test_another_language_is_refused():
    with pytest.raises(InputError, match="fr"):
        language("fr")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("김치을(를)", "김치를"),
        ("밥을(를) 찍은 밥이(가)", "밥을 찍은 밥이"),
        ("쌀(으)로, 김밥(으)로, 국수(으)로", "쌀로, 김밥으로, 국수로"),
        ("3장은(는) 3은(는) 2은(는)", "3장은 3은 2는"),
        ("'깍두기'과(와) `김`을(를)", "'깍두기'와 `김`을"),
        ("bibimbap을(를)", "bibimbap을(를)"),
    ],
)
def test_particles_follow_the_sound_before_them(said, shown):
    assert with_particles(said) == shown


def test_a_word_follows_its_number():
    say = catalogue("en")
    assert say("trials_in", count=1, path="a.csv") == "1 trial: a.csv"
    assert say("trials_in", count="1,200", path="a.csv") == "1,200 trials: a.csv"


def test_values_fill_the_braces():
    assert (
        catalogue("ko")("confused_pair", actual="갓김치", predicted="깍두기", photos=3)
        == "갓김치 → 깍두기 (3장)"
    )


MANY = "{folder} holds {count} {count:photo/photos}.{hint}"


@pytest.fixture
def korean(monkeypatch):
    found = {
        MANY: "{folder}에 사진이 {count}장 있습니다.{hint}",
        " Did you mean {near}?": " {near}을(를) 뜻하셨습니까?",
        "%d photos are left out: %s": "사진 %d장을 뺐습니다: %s",
    }
    monkeypatch.setattr(sentence, "korean", lambda: found)


def test_an_error_is_said_in_the_language_of_whoever_reads_it(korean):
    near = Sentence(" Did you mean {near}?", near="김치")
    error = DataError(MANY, folder="kim", count=1, hint=near)
    assert str(error) == "kim holds 1 photo. Did you mean 김치?"
    assert error.said(catalogue("ko")) == "kim에 사진이 1장 있습니다. 김치를 뜻하셨습니까?"
    assert error.said(catalogue("en")) == str(error)
    around = RunError("{why} It ends.", why=error)
    assert around.said(catalogue("ko")).startswith("kim에 사진이")


def test_a_notebook_shows_the_sentence_alone(korean, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    shown = DataError(MANY, folder="kim", count=2, hint="")._render_traceback_()
    assert shown == ["DataError: kim에 사진이 2장 있습니다."]


def test_an_error_survives_a_pickle_and_braces_without_values():
    error = pickle.loads(pickle.dumps(RunError("{run} ended.", run="exp1")))
    assert error.sentence == Sentence("{run} ended.", run="exp1")
    assert str(RunError("`rows: {a: {...}}` is wrong")) == "`rows: {a: {...}}` is wrong"


def test_a_log_record_is_said_in_the_language_of_the_console(korean):
    def record(said, *args):
        return logging.LogRecord("kimchi_vision.data", logging.INFO, "", 0, said, args, None)

    shown, plain = LogFormat(catalogue("ko")), logging.Formatter()
    counted = record("%d photos are left out: %s", 3, Sentence(" Did you mean {near}?", near="밥"))
    assert shown.format(counted) == "사진 3장을 뺐습니다:  밥을 뜻하셨습니까?"
    assert plain.format(counted) == "3 photos are left out:  Did you mean 밥?"
    assert shown.format(record(Sentence(MANY, folder="a", count=2, hint=""))) == "a에 사진이 2장 있습니다."


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("is empty; 12 x 30 pixels", "빈 파일; 12 x 30 픽셀"),
        (
            "cannot be read: image file is truncated (7 bytes not processed)",
            "읽을 수 없음: 파일이 중간에 끊김(7바이트를 처리하지 못함)",
        ),
        ("the same picture lies in a and b", "같은 사진이 a and b에 있음"),
        ("words of a decoder", "“words of a decoder”"),
        ("cannot be read: words of a decoder; is empty", "읽을 수 없음: “words of a decoder”; 빈 파일"),
        ("BadZipFile", "BadZipFile"),
    ],
)
def test_a_reason_that_a_table_keeps_is_said_in_korean(kept, shown):
    assert catalogue("ko")("{reason}", reason=kept) == shown
    assert catalogue("en")("{reason}", reason=kept) == kept


@pytest.mark.parametrize(
    ("fail", "shown"),
    [
        (lambda: json.loads("{"), "1행 2열에 큰따옴표로 묶은 이름이 없음"),
        (lambda: re.compile("[a"), "0번째 자리의 [ 괄호가 닫히지 않음"),
        (lambda: zipfile.ZipFile(io.BytesIO(b"no zip")), "zip 파일이 아님"),
        (lambda: open("nowhere/a.csv"), "'nowhere/a.csv': 그런 파일이나 폴더가 없음"),  # noqa: SIM115
        (lambda: pd.read_csv(io.StringIO("a,b\n1,2\n1,2,3\n")), "3행의 칸이 2개가 아니라 3개임"),
    ],
)
def test_what_a_library_says_of_an_error_is_said_in_korean(fail, shown):
    with pytest.raises(Exception) as raised:  # noqa: PT011
        fail()
    assert catalogue("ko")("{why}", why=raised.value) == shown
    kept = pickle.loads(pickle.dumps(RunError("{anything}", anything=raised.value)))
    assert kept.said(catalogue("ko")) == shown


def test_what_a_library_says_that_nobody_knows_is_quoted_in_one_line():
    error = RuntimeError("PyTorch convert function\n  for op 'fold' not implemented. " + 400 * "x")
    said = InputError("{file} is damaged: {reason}. Get it again.", file="a", reason=error)
    quoted = catalogue("ko")("{reason}", reason=error)
    assert quoted.startswith("“PyTorch convert function for op 'fold' not implemented. xxx")
    assert quoted.endswith("x…”")
    assert len(quoted) < 310
    assert str(said).startswith("a is damaged: PyTorch convert function for op")
    logged = logging.LogRecord(
        "kimchi_vision.x", logging.INFO, "", 0, "%s", (ValueError("no such op"),), None
    )
    assert LogFormat(catalogue("ko")).format(logged) == "“no such op”"
