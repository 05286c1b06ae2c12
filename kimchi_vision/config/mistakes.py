"""What is wrong with an experiment, in sentences that name line, key and the nearest known key."""

import difflib
import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.config.base import models_in

Location = tuple[str | int, ...]

_KINDS = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "should be a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "should be true or false"),
    **dict.fromkeys(("tuple_type", "list_type"), "should be a list, such as [a, b]"),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "should hold keys with values"),
    "string_type": "should be a text; put it in quotes",
    "string_too_short": "should not be empty",
    "too_short": "should hold one entry or more",
    "path_type": "should be a path",
    "greater_than": "should be above {gt:g}",
    "greater_than_equal": "should be {ge:g} or more",
    "less_than": "should be below {lt:g}",
    "less_than_equal": "should be {le:g} or less",
    "literal_error": "should be one of {choices}",
}
"""Pydantic's types of errors → what to write; docs.pydantic.dev/latest/errors/validation_errors."""


def sentences(
    error: ValidationError,
    kind: type[BaseModel],
    tree: Mapping[str, object],
    source: object,
    overrides: Sequence[str] = (),
) -> Sentences:
    """One line for each wrong key, a union's alternatives folded into one.

    kind: what it was validated as. tree: what was validated, with its lines where it is from a file.
    source: the file, or what stands for it.
    overrides: `section.key=value` texts that are part of the tree, and to blame for their keys.
    """
    lines: dict[Location, Sentence] = {}
    for detail in error.errors(include_url=False):
        location = _in_file(detail["loc"], tree) if detail["loc"] else _named(detail["msg"], tree)
        line = _line(location, tree)
        where = _override(location, overrides, line is None) or (f"{source}:{line}" if line else str(source))
        what = _sentence(detail, location, kind)
        lines.setdefault(location, Sentence("{where}: {what}", where=where, what=what))
    return Sentences(lines.values())


def _override(location: Location, overrides: Sequence[str], made: bool) -> str | None:
    """The override that set the key at a location; made: or made the section there, which no file has."""
    dotted = ".".join(map(str, location)) + "."
    for text in reversed(overrides):
        key = text.partition("=")[0] + "."
        if dotted.startswith(key) or (made and key.startswith(dotted)):
            return f"--set {text}"
    return None


def _named(message: str, tree: Mapping[str, object]) -> Location:
    """The first section that a message about the whole experiment names in backticks."""
    names = [name for name in re.findall(r"`(\w+)", message) if name in tree]
    return tuple(names[:1])


def _in_file(location: Location, tree: object) -> Location:
    """Pydantic's location without what the file does not show: union tags and an unwritten `stages`."""
    shown: list[str | int] = []
    for depth, part in enumerate(location):
        if isinstance(tree, list) and part == "stages":
            continue
        last = depth == len(location) - 1
        known = isinstance(tree, Mapping) and part in tree
        if tree == part:  # a stage that is its name alone
            return (*shown, part)
        indexed = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        if not (known or indexed) and not (last and isinstance(tree, Mapping)):
            break
        shown.append(part)
        tree = tree[part] if known or indexed else None
    return tuple(shown)


def _line(location: Location, tree: object) -> int | None:
    line = None
    for part in location:
        marks = getattr(getattr(tree, "lc", None), "data", None) or {}
        if part in marks:
            line = marks[part][0] + 1
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            break
    return line


def _sentence(detail: ErrorDetails, location: Location, kind: type[BaseModel]) -> Sentence:
    key = ".".join(map(str, location))
    if detail["type"] == "extra_forbidden":
        model, _, _ = _reached(detail["loc"][:-1], kind)  # a file's own name is no key of it
        known = [name for name in model.model_fields if model is not kind or name != "name"]
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.5)
        if near:
            return Sentence("unknown key `{key}`. Did you mean `{near}`?", key=key, near=near[0])
        return Sentence("unknown key `{key}`. Known keys: {known}.", key=key, known=", ".join(known))
    if detail["type"] == "missing":
        if key != "data":
            return Sentence("`{key}` is missing.", key=key)
        return Sentence("`data` is missing. An example: `{example}`.", example="data: {path: photos}")
    _, name, field = _reached(detail["loc"], kind)
    if detail["type"] == "string_pattern_mismatch":
        what = Sentence(field.description) if field and field.description else "a text of another form"
        return Sentence(
            "`{key}` cannot be {given!r}: it is {what}.", key=key, given=detail["input"], what=what
        )
    what, default = asked_for(detail), field.default if field else None
    plain = type(default) in (bool, int, float, str)
    written = str(default).lower() if isinstance(default, bool) else default
    example = Sentence(" An example: `{example}`.", example=f"{name}: {written}") if plain else ""
    if detail["type"] == "value_error" or isinstance(detail["input"], Mapping | list):
        return Sentence("`{key}`: {what}." if key else "{what}.", what=what, **({"key": key} if key else {}))
    said = "`{key}`: {what}, not {given!r}.{example}"
    return Sentence(said, key=key, what=what, given=detail["input"], example=example)


def asked_for(detail: ErrorDetails) -> Sentence:
    """What an error of pydantic asks for; a validator's ValueError of this package holds a Sentence."""
    values = detail.get("ctx", {})
    if isinstance(said := next(iter(getattr(values.get("error"), "args", ())), None), Sentence):
        return said
    if detail["type"] == "missing":
        return Sentence("it is missing")
    if detail["type"] not in _KINDS:
        return Sentence("does not fit: {reason}", reason=detail["msg"])
    if "expected" in values:
        values = {"choices": values["expected"].replace(" or ", ", ").replace("'", "")}
    return Sentence(_KINDS[detail["type"]], **values)


def _reached(location: Location, kind: type[BaseModel]) -> tuple[type[BaseModel], str, FieldInfo | None]:
    """The model at a location, and the last field on the way; a union adds its alternatives between."""
    model, name, field = kind, "", None
    for part in map(str, location):
        if part in model.model_fields:
            name, field = part, model.model_fields[part]
            model = next(iter(models_in(field.annotation)), model)
    return model, name, field
