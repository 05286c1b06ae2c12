"""CSV files that people and other commands hand over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import DataError


def read_csv(file: Path, columns: Sequence[str], origin: str) -> pd.DataFrame:
    """A table of texts with these columns or more.

    origin: a sentence's end that says what writes such a file.
    Raises DataError when the file or a column is missing, or it is no CSV.
    """
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file; {origin}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is not a CSV file: {error}") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(
            f"{file} has no column {' or '.join(missing)}; it has {', '.join(table.columns)}. {origin}"
        )
    return table
