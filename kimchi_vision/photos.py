"""The table of photos that `data` makes once and that every other room reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Photos:
    """Photos with labels and split.

    root: folder below which every `path` of the table lies.
    items: columns path (POSIX, below root, as on disk), label (NFC), split (train, valid or test), sha256.
    vocab: the classes in the order of the model's outputs.
    notes: sentences for the user about what was left out or looks odd.
    """

    root: Path
    items: pd.DataFrame
    vocab: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def part(self, split: str) -> pd.DataFrame:
        """The rows of one split, in table order, with a fresh index."""
        return self.items[self.items["split"] == split].reset_index(drop=True)

    def files(self, items: pd.DataFrame) -> list[Path]:
        """Full paths of the rows of a table with a `path` column."""
        return [self.root / path for path in items["path"]]
