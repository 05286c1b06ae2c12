"""A starter experiment for a folder of photos, with every setting of a recipe written out."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import write_text
from kimchi_vision.config import dump, keys
from kimchi_vision.data.photo import SUFFIXES

VALID_PCT = 0.2
"""Share of the photos that the experiment validates on."""


def write(photos: Path, counts: dict[str, int], path: Path, settings: dict[str, Any]) -> Path:
    """Write the experiment for the class folders below `photos`, and return its path.

    counts: as photos_by_class gives them. settings: sections, as recipe.settings gives them.
    Raises InputError when `path` exists already.
    """
    if path.exists():
        raise InputError(f"{path} exists already; give another one with --output.")
    write_text(path, _text(photos, path, counts) + dump(settings))
    write_text(path.with_name(keys.SCHEMA), keys.schema_text())
    return path


def photos_by_class(root: Path) -> dict[str, int]:
    """Number of photos in the folders of each name. Raises InputError when there are fewer than two names."""
    counts: dict[str, int] = {}
    for file in root.rglob("*"):
        if file.suffix.lower() in SUFFIXES and not file.name.startswith("."):
            name = unicodedata.normalize("NFC", file.parent.name)
            counts[name] = counts.get(name, 0) + 1
    if len(counts) < 2:
        raise InputError(f"{root} holds {len(counts)} class folders with photos; two or more are needed.")
    return counts


def _text(photos: Path, path: Path, counts: dict[str, int]) -> str:
    smallest = min(counts, key=lambda name: counts[name])
    return f"""\
# yaml-language-server: $schema={keys.SCHEMA}
# {path.stem}: how well can {len(counts)} classes be told apart with {sum(counts.values())} photos?
# python -m kimchi_vision run {path}
# Expect: {smallest}, with {counts[smallest]} photos, is the smallest class; its score is the least certain.

# Labels are the names of the folders that photos lie in. Stratified: each class is split alike.
data: {{path: {_quoted(str(photos))}, splitter: stratified, valid_pct: {VALID_PCT}}}
# Backbones: python -m kimchi_vision models. Other settings: python -m kimchi_vision new PHOTOS --recipe NAME.
"""


def _quoted(text: str) -> str:
    """A YAML string in double quotes, for a path that may hold any character."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
