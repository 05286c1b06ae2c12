"""Every text that a person meets in English and Korean, and which of the two the reader has.

Sentences of errors and logs stand in English where they arise, as base.sentence says, and in Korean in
messages/ko/WING.po. Texts of pages and commands have keys, and stand in both in messages/pages/. These are
gettext catalogues, which any translator's program opens.
"""

import json
import locale
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["en", "ko"]

_reader: Language | None = None

_TEXT = '((?:".*"\n)+)'
_ENTRY = re.compile(rf"^(?:msgctxt {_TEXT})?msgid {_TEXT}msgstr {_TEXT}", re.MULTILINE)


@cache
def read(folder: str) -> dict[tuple[str, str], str]:
    """Context, or "", and English → Korean, of all files in a folder of messages.

    Read here, as far as these files go: Babel reads for longer than all of --help takes.
    """
    found: dict[tuple[str, str], str] = {}
    for file in sorted((Path(__file__).parent / "messages" / folder).glob("*.po")):
        for parts in _ENTRY.findall(file.read_text(encoding="utf-8")):
            context, english, said = ("".join(map(json.loads, part.splitlines())) for part in parts)
            if english:  # the head of a file has none
                found[context, english] = said
    return found


TEXTS = {key: (english, said) for (key, english), said in read("pages").items()}
"""Key → English, Korean."""


def add(texts: Mapping[str, tuple[str, str]]) -> None:
    """Texts of a part that brings its own, such as a score. texts: key → English, Korean."""
    TEXTS.update(texts)


@cache
def korean(context: str = "") -> dict[str, str]:
    """English template → Korean, of every wing; context: `reason` for those of base.hangul."""
    return {english: said for (of, english), said in read("ko").items() if of == context}


def spoken() -> Language:
    """What `reading` says, else, as gettext, LC_ALL, LC_MESSAGES, LANG, then the system."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = _reader or next(filter(None, names), None) or locale.getlocale()[0] or ""
    return "ko" if name.lower().startswith("ko") else "en"


@contextmanager
def reading(lang: Language | None) -> Iterator[None]:
    """Inside the block the reader has this language; None leaves it to the environment."""
    global _reader
    before, _reader = _reader, lang
    try:
        yield
    finally:
        _reader = before
