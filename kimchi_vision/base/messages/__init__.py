"""Every text that a person meets in English and Korean, and the choice between the two.

Sentences of errors and logs stand in English where they arise, as base.sentence says, and in Korean in
ko/WING.po. Texts of pages and commands have keys, and stand in both in pages/.
"""

import locale
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Literal

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import catalogues
from kimchi_vision.base.messages.explain import about_background, about_gain
from kimchi_vision.base.messages.hangul import NAMES as REASONS
from kimchi_vision.base.messages.hangul import Reasons, with_particles
from kimchi_vision.base.sentence import Sentence, Text, filled, said

__all__ = [
    "TEXTS", "Language", "LogFormat", "Text", "about_background", "about_gain", "add", "catalogue", "korean",
    "language", "reading", "say",
]  # fmt: skip

Language = Literal["en", "ko"]

TEXTS = {key: (english, said) for (key, english), said in catalogues.read("pages").items()}
"""Key → English, Korean."""


def add(texts: Mapping[str, tuple[str, str]]) -> None:
    """Texts of a part that brings its own, such as a score. texts: key → English, Korean."""
    TEXTS.update(texts)


def language(wanted: str) -> Language:
    """`en` or `ko`; `auto` asks `reading`, then, as gettext, LC_ALL, LC_MESSAGES, LANG, then the system.

    Raises InputError for any other language.
    """
    if wanted in ("en", "ko"):
        return wanted
    if wanted != "auto":
        raise InputError("There are no texts in `{wanted}`: give ko, en or auto.", wanted=wanted)
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = _reader or next(filter(None, names), None) or locale.getlocale()[0] or ""
    return "ko" if name.lower().startswith("ko") else "en"


_reader: Language | None = None


@contextmanager
def reading(lang: Language | None) -> Iterator[None]:
    """Inside the block `auto` is this language; None leaves it to the environment."""
    global _reader
    before, _reader = _reader, lang
    try:
        yield
    finally:
        _reader = before


@cache
def korean(context: str = "") -> dict[str, str]:
    """English template → Korean, of every wing; context: `reason` for those of messages.reasons."""
    return {english: said for (of, english), said in catalogues.read("ko").items() if of == context}


@cache
def _reasons() -> Reasons:
    return Reasons(korean("reason"))


def catalogue(lang: Language) -> Text:
    """A function from a key of TEXTS or an English template, and values for its braces, to words in `lang`.

    A value that is a list of such pairs, (key, values), stands for their texts one after another; a Sentence
    or an error is said in the same language. A template that has no Korean is said in English.
    """

    def text(key: str, /, **values: object) -> str:
        said_values = {name: put_in(value) for name, value in values.items()}
        if lang == "ko":
            said_values |= {
                name: _reasons().said(str(said_values[name])) for name in REASONS if plain(values.get(name))
            }
        if key in TEXTS:
            found = filled(TEXTS[key][("en", "ko").index(lang)], said_values)
        else:
            template = korean().get(key, key) if lang == "ko" else key
            found = filled(template, said_values) if values else template
        return with_particles(found) if lang == "ko" else found

    def plain(value: object) -> bool:
        """Whether these are words that a table kept: no number, and nothing that is said by itself."""
        return isinstance(value, str) and not hasattr(value, "said")

    def put_in(value: object) -> object:
        if not isinstance(value, list) or not all(isinstance(each, list | tuple) for each in value):
            return said(value, text)
        return "".join(text(key, **values) for key, values in value)

    return text


def say(key: str, **values: object) -> str:
    """What a command prints: a text or a template with its values, in the system's language."""
    return catalogue(language("auto"))(key, **values)


class LogFormat(logging.Formatter):
    """Log records in one language: a record's message is a Sentence, or a template of %-placeholders."""

    def __init__(self, text: Text, layout: str = "%(message)s", dates: str | None = None) -> None:
        super().__init__(layout, dates)
        self.text = text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """The line of a record, its message said in this language."""
        record.message = self.message(record)
        return super().formatMessage(record)

    def message(self, record: logging.LogRecord) -> str:
        """What a record says, without date or level. Records of other packages stay as they are."""
        if not record.name.startswith("kimchi_vision"):
            return record.getMessage()
        if isinstance(record.msg, Sentence):
            return record.msg.said(self.text)
        template, args = self.text(str(record.msg)), record.args
        if isinstance(args, Mapping):
            return template % {name: said(value, self.text) for name, value in args.items()}
        return template % tuple(said(value, self.text) for value in args) if args else template
