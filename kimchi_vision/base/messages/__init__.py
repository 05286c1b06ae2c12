"""Texts for commands, pages and logs in the language that is asked for; base.texts says where they stand."""

import logging
from collections.abc import Mapping

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.sentence import Sentence, Text, catalogue, said
from kimchi_vision.base.texts import TEXTS, Language, add, korean, reading, spoken

__all__ = [
    "TEXTS", "Language", "LogFormat", "Text", "add", "catalogue", "korean", "language", "reading", "say"
]  # fmt: skip


def language(wanted: str) -> Language:
    """`en` or `ko`; `auto` is texts.spoken(). Raises InputError for any other language."""
    if wanted in ("en", "ko"):
        return wanted
    if wanted != "auto":
        raise InputError("There are no texts in `{wanted}`: give ko, en or auto.", wanted=wanted)
    return spoken()


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
