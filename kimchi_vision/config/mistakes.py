"""What is wrong with an experiment, in sentences that name line, key and the nearest known key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from kimchi_vision.config.experiment import Experiment, Row
from kimchi_vision.config.stages import Stage

Location = tuple[str | int, ...]

_KINDS = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "should be a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "should be true or false"),
    "string_type": "should be a text; put it in quotes",
}


def sentences(
    error: ValidationError, tree: Mapping[str, Any], source: object, overrides: Sequence[str] = ()
) -> list[str]:
    """One line for each wrong key, a union's alternatives folded into one.

    tree: what was validated, with its lines where it is from a file. source: the file, or what stands for it.
    overrides: `section.key=value` texts that are part of the tree, and to blame for their keys.
    """
    lines: dict[Location, str] = {}
    for detail in error.errors(include_url=False):
        location = _in_file(detail["loc"], tree) if detail["loc"] else _named(detail["msg"], tree)
        line = _line(location, tree)
        where = _override(location, overrides, line is None) or (f"{source}:{line}" if line else str(source))
        lines.setdefault(location, f"{where}: {_sentence(detail, location, error.title)}")
    return list(lines.values())


def _override(location: Location, overrides: Sequence[str], made: bool) -> str | None:
    """The override that set the key at a location; made: or made the section there, which no file has."""
    dotted = ".".join(map(str, location)) + "."
    for text in reversed(overrides):
        key = text.partition("=")[0] + "."
        if dotted.startswith(key) or (made and key.startswith(dotted)):
            return f"--set {text}"
    return None


def _named(message: str, tree: Mapping[str, Any]) -> Location:
    """The first section that a message about the whole experiment names in backticks."""
    names = [name for name in re.findall(r"`(\w+)", message) if name in tree]
    return tuple(names[:1])


def _in_file(location: Location, tree: Any) -> Location:
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


def _line(location: Location, tree: Any) -> int | None:
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


def _sentence(detail: Any, location: Location, kind: str) -> str:
    dotted = ".".join(map(str, location)) or "experiment"
    if detail["type"] == "extra_forbidden":
        known = _known_keys(detail["loc"][:-1], kind)
        near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(known)}."
        return f"unknown key `{dotted}`. {hint}"
    if detail["type"] == "missing":
        return f"`{dotted}` is missing."
    if detail["type"] == "string_pattern_mismatch":
        return f"`{dotted}` cannot be {detail['input']!r}: it is {_described(detail['loc'], kind)}."
    message = _KINDS.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    given = "" if isinstance(detail["input"], Mapping | list) else f", not {detail['input']!r}"
    return f"`{dotted}`: {message[0].lower()}{message[1:]}{given}."


def _known_keys(location: Location, kind: str) -> list[str]:
    """Names of the fields of the model that pydantic reached at this location of a Row or an Experiment."""
    model = _reached(location, kind)
    return [name for name in model.model_fields if not issubclass(model, Experiment) or name != "name"]


def _described(location: Location, kind: str) -> str:
    """What the field at a location is for, in its own words."""
    names = [str(part) for part in location]
    for depth in range(len(names), 0, -1):  # a union adds its alternatives below the field
        field = _reached(location[: depth - 1], kind).model_fields.get(names[depth - 1])
        if field and field.description:
            return field.description
    return "a text of another form"


def _reached(location: Location, kind: str) -> type[BaseModel]:
    whole = Row if kind == "Row" else Experiment
    model: type[BaseModel] = whole
    for part in location:
        if isinstance(part, int):
            model = Stage
            continue
        field = model.model_fields.get(str(part))
        models = [m for m in _classes(field.annotation) if issubclass(m, BaseModel)] if field else []
        model = models[0] if models else model
    return model


def _classes(annotation: Any) -> list[type]:
    if inner := getattr(annotation, "__args__", ()):  # first: to Python 3.10 list[int] is a class, too
        return [found for one in inner for found in _classes(one)]
    return [annotation] if isinstance(annotation, type) else []
