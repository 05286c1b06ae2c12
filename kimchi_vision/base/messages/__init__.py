"""Every text of pages and command line in English and Korean, and the choice between the two."""

from __future__ import annotations

import locale
import os
import string
from collections.abc import Callable, Mapping
from typing import Any, Literal

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages.commands import COMMANDS
from kimchi_vision.base.messages.data import DATA
from kimchi_vision.base.messages.explain import LOOKING, about_background
from kimchi_vision.base.messages.page import PAGE
from kimchi_vision.base.messages.particles import with_particles
from kimchi_vision.base.messages.results import RESULTS
from kimchi_vision.base.messages.seeing import SEEING

__all__ = ["TEXTS", "Language", "Text", "about_background", "about_gain", "add", "catalogue", "language"]

Language = Literal["en", "ko"]
Text = Callable[..., str]

TEXTS = {**PAGE, **RESULTS, **LOOKING, **DATA, **COMMANDS, **SEEING}
"""Key → English, Korean."""


class _Plural(string.Formatter):
    """Takes {count:photo/photos}, too: the first word for 1, the other for any other number."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as the braces ask."""
        if "/" not in format_spec:
            return super().format_field(value, format_spec)
        one, many = format_spec.split("/")
        return one if str(value) == "1" else many


_PLURAL = _Plural()


def add(texts: Mapping[str, tuple[str, str]]) -> None:
    """Texts of a part that brings its own, such as a score. texts: key → English, Korean."""
    TEXTS.update(texts)


def language(wanted: str) -> Language:
    """`en` or `ko`; `auto` asks the environment as gettext does (LC_ALL, LC_MESSAGES, LANG), then the system.

    Raises InputError for any other language.
    """
    if wanted in ("en", "ko"):
        return wanted
    if wanted != "auto":
        raise InputError(f"There are no texts in `{wanted}`: give ko, en or auto.")
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next(filter(None, names), None) or locale.getlocale()[0] or ""
    return "ko" if name.lower().startswith("ko") else "en"


def catalogue(lang: Language) -> Text:
    """A function from a key of TEXTS, and values for its braces, to the text in this language.

    A value that is a list of such pairs, (key, values), stands for their texts one after another.
    """
    column = ("en", "ko").index(lang)

    def text(key: str, **values: Any) -> str:
        said_values = {name: said(value) for name, value in values.items()}
        found = _PLURAL.vformat(TEXTS[key][column], (), said_values)
        return with_particles(found) if lang == "ko" else found

    def said(value: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(each, list | tuple) for each in value):
            return value
        return "".join(text(key, **values) for key, values in value)

    return text


def about_gain(name: str, found: dict[str, Any], text: Text) -> str:
    """What training brought beside the `floor`, or averaging beside one view, `tta`.

    found: the entry of that name in metrics.json.
    """
    (least, most), (low, high) = found["accuracy_interval"], found["gain_interval"]
    shares = {"accuracy": found["accuracy"], "least": least, "most": most}
    points = {"gain": found["gain"], "low": low, "high": high}
    said = {key: f"{share:.1%}" for key, share in shares.items()}
    said |= {key: f"{100 * value:+.1f}" for key, value in points.items()}
    return text(f"{name}_{found['verdict'].replace(' ', '_')}", n=found.get("n"), **said)
