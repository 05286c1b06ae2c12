"""No page holds a word of its own: all that people read is in the catalogue, in both languages."""

import re
from pathlib import Path

import pytest

import kimchi_vision

TEMPLATES = sorted(
    file
    for folder in ("base/pages", "results/report", "data", "deploy/labelling", "deploy/server")
    for file in (Path(kimchi_vision.__file__).parent / folder).glob("templates/*.html")
)
ALLOWED = {"kimchi", "vision", "n"}
"""The package's name and the sign of a number of photos."""


TAGS = re.compile(r"\{% block sources %\}.*?\{% endblock %\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
"""Of the templates; the block says from where a page may load."""


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_template_holds_no_word(file):
    text = TAGS.sub(" ", file.read_text(encoding="utf-8"))
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    shown = re.findall(r"[^\W\d_]+", re.sub(r"<[^>]*>", " ", text))
    said = re.findall(r'(?:alt|title|aria-label|placeholder)="([^"]*)"', text)
    assert set(shown) | set(re.findall(r"[^\W\d_]+", " ".join(said))) <= ALLOWED
