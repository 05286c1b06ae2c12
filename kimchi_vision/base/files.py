"""Writing that never shows half a file, what a disk that cannot be written means, and reading tables back."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kimchi_vision.base.errors import InputError, RunError
from kimchi_vision.base.sentence import Sentence

if TYPE_CHECKING:
    import pandas as pd

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
TABLE_ENCODING = "utf-8-sig"
"""UTF-8 with a mark at the start: without it, Excel on a Korean Windows takes cp949. Reads both forms."""
TORCH_CANNOT_WRITE = ("inline_container", "iostream error")
"""In the RuntimeErrors that torch raises instead of an OSError."""


@contextlib.contextmanager
def explained(folder: Path) -> Iterator[None]:
    """A disk that is full or must not be written is a RunError that says how the run in `folder` goes on."""
    goes_on = Sentence("and give the same command: it goes on after the last checkpoint.")
    try:
        yield
    except OSError as error:
        place = error.filename or folder
        if error.errno in FULL:
            full = "There is no room left on the disk of {folder}. Make room {goes_on}"
            raise RunError(full, folder=folder, goes_on=goes_on) from error
        if error.errno in FORBIDDEN:
            closed = "{place} cannot be written. Allow it {goes_on}"
            raise RunError(closed, place=place, goes_on=goes_on) from error
        raise
    except RuntimeError as error:
        if not any(sign in str(error) for sign in TORCH_CANNOT_WRITE):
            raise
        full = "{folder} cannot be written. Make room {goes_on}"
        raise RunError(full, folder=folder, goes_on=goes_on) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; renamed to `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The hash of a file that is small enough to be read at once."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write JSON that a person can read; NaN is refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV that keeps every digit of a float32 or float64, in TABLE_ENCODING."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, encoding=TABLE_ENCODING)


@contextlib.contextmanager
def readable(path: Path, *damage: type[Exception]) -> Iterator[None]:
    """A file of a run that is missing, or so damaged that the block raises `damage`, is an InputError."""
    if not path.is_file():
        what = "{path} is missing. Is {folder} a finished run folder?"
        raise InputError(what, path=path, folder=path.parent)
    try:
        yield
    except damage as error:
        damaged = "{path} is damaged: {reason}. Run the experiment again with --force."
        raise InputError(damaged, path=path, reason=error) from None


def read_table(path: Path, text: Sequence[str]) -> pd.DataFrame:
    """A CSV file of a run folder. text: columns that are text whatever they look like; a blank loss is NaN.

    Raises InputError when it is missing or damaged.
    """
    import pandas as pd

    columns, blank = dict.fromkeys(text, str), {"loss": [""]}
    with readable(path, ValueError):
        return pd.read_csv(
            path, dtype=columns, keep_default_na=False, na_values=blank, encoding=TABLE_ENCODING
        )
