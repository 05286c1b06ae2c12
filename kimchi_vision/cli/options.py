"""Options that several commands have, and those that belong together as one dataclass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

Lang = Annotated[Literal["auto", "ko", "en"], typer.Option(help="auto: the system's language.")]
Exports = Annotated[Path, typer.Option(help="Folder in which run folders land.")]
On = Annotated[str, typer.Option(help="Where: serial, local, ray, ADDRESS or auto; one core each.")]
RunFolder = Annotated[Path, typer.Argument(help="A run folder, such as exports/exp1.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override, such as augment.max_rotate=20."),
]
Layout = Annotated[
    Literal["auto", "first", "folder", "path", "parts", "table"],
    typer.Option(help="Where classes are read, as data.layout."),
]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command for Typer, in which the fields of each parameter that is a dataclass are options."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    taken = [
        one.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])
        for name, one in signature(command).parameters.items()
        if name not in groups
    ]
    taken += [option for kind in groups.values() for option in _options(kind)]

    @wraps(command)
    def typed(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{option.name: given.pop(option.name) for option in fields(kind)})
        command(**given)

    typed.__signature__ = Signature(taken)  # type: ignore[attr-defined]
    typed.__annotations__ = {one.name: one.annotation for one in taken}
    return typed


def _options(kind: Any) -> list[Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    defaults = {one.name: Parameter.empty if one.default is MISSING else one.default for one in fields(kind)}
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
        for name, default in defaults.items()
    ]
