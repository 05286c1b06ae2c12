import string

import pytest

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import TEXTS, catalogue, language
from kimchi_vision.base.messages.particles import with_particles


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
        ("'깍두기'과(와)", "'깍두기'와"),
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
