"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

from typer import Argument, Option

Lang = Annotated[Literal["auto", "ko", "en"], Option(help="auto: the system's language.")]
Exports = Annotated[Path, Option(help="Folder in which run folders land.")]
On = Annotated[str, Option(help="Where: serial, local, ray, ADDRESS or auto; one core each.")]
RunFolder = Annotated[Path, Argument(help="A run folder, such as exports/exp1.")]
Overrides = Annotated[
    list[str] | None, Option("--set", metavar="KEY=VALUE", help="Override, such as augment.max_rotate=20.")
]
Layout = Annotated[
    Literal["auto", "first", "folder", "path", "parts", "table"],
    Option(help="Where classes are read, as data.layout."),
]
