"""Mistakes that people make, as benchmarks/mistakes.py lists them, are answered in both languages."""

import re

import pytest

from benchmarks.mistakes import MISTAKES, answers, prepare

JARGON = re.compile(r"Traceback|codec|block end|token|\^\\|pattern|Input should|Error|  |\(no name\)|None")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistakes")
    prepare(folder)
    return folder


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_mistake_is_answered_in_both_languages(mistake, place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv("KIMCHI_CACHE", str(place / "cache"))
    code, english, korean = answers(mistake)
    assert code == 2
    assert re.search("[가-힣]", korean)
    assert not JARGON.search(english.replace("\n  ", "\n")), english
    assert not re.search("[가-힣]", english)
