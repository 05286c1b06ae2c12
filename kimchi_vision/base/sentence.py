"""Sentences whose values are kept apart, so that each is said in the language of whoever reads it.

What a person may read is written in English where it arises, as a template with named values:
`DataError("{folder} holds {count} {count:photo/photos}.", folder=folder, count=3)`, or as a value of another,
`Sentence(" Did you mean {near}?", near=near)`. Its Korean stands under the same template in
base/messages/ko/WING.po. `{count:photo/photos}` takes the first word for 1, the other for any other number.
Braces without values stay as they are.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from kimchi_vision.base.hangul import NAMES, Reasons, with_particles
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.base.texts import TEXTS, Language, korean

Text = Callable[..., str]
"""Says a template, or a key of base.messages, in one language: text(template, **values)."""


class _Plural(string.Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        """A value as the braces ask; a share, {share:.1%}, as everywhere."""
        if format_spec.endswith("%"):
            return percent(value, int(format_spec[1:-1]))
        if "/" not in format_spec:
            return super().format_field(value, format_spec)
        one, many = format_spec.split("/")
        return one if str(value) == "1" else many


_PLURAL = _Plural()


def filled(template: str, values: Mapping[str, object]) -> str:
    """A template with its values in their places."""
    return _PLURAL.vformat(template, (), values)


MOST = 300
"""Characters of what a library says that are shown."""


class Quoted(str):
    """What Python, a library or the system says, as one value of a template: in Korean as far as it is known,
    the rest in quotes."""

    @classmethod
    def of(cls, error: BaseException) -> Quoted:
        """Its words in one line, or its kind where it has none."""
        words = " ".join(str(error).split()) or type(error).__name__
        return cls(words if len(words) <= MOST else f"{words[:MOST]}…")

    def said(self, text: Text) -> str:
        """In the language of `text`."""
        return text("{reason}", reason=str(self))


class Sentence:
    """A sentence, or a part of one; str() of it is English. template: one, or a key of base.messages."""

    def __init__(self, template: str, /, **values: object) -> None:
        self.template = template
        self.values = {name: _kept(value) for name, value in values.items()}

    def said(self, text: Text) -> str:
        """It in the language of `text`, as `catalogue` makes it; its values, too."""
        return text(self.template, **self.values)

    def __str__(self) -> str:
        return self.said(catalogue("en"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sentence) and (self.template, self.values) == (other.template, other.values)

    def __hash__(self) -> int:
        return hash(str(self))


class Sentences:
    """Several, one after another, as one value of a template. between: a template, too, such as " or "."""

    def __init__(self, parts: Iterable[object], between: str = "\n") -> None:
        self.parts, self.between = tuple(parts), between

    def said(self, text: Text) -> str:
        """All of them in the language of `text`."""
        return text(self.between).join(str(said(part, text)) for part in self.parts)

    def __str__(self) -> str:
        return self.between.join(map(str, self.parts))


Note = tuple[str, Json]
"""A key of base.messages and the values of its sentence."""


def noted(notes: Iterable[Note], between: str = " ") -> Sentences:
    """Notes as one value of a template."""
    return Sentences((Sentence(key, **values) for key, values in notes), between)


def said(value: object, text: Text) -> object:
    """A value of a template as it is put in: sentences and errors in the language of `text`."""
    in_words = getattr(_kept(value), "said", None)
    return in_words(text) if in_words else value


def _kept(value: object) -> object:
    """A value that a pickle can hold: of a library's error its words, ours as they are."""
    foreign = isinstance(value, BaseException) and not hasattr(value, "said")
    return Quoted.of(value) if foreign else value


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
                name: _reasons().said(str(said_values[name])) for name in NAMES if plain(values.get(name))
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
