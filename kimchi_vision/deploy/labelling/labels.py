"""labels.csv beside photos: what people said of them, written at each answer."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd

from kimchi_vision.base.errors import DataError
from kimchi_vision.base.files import TABLE_ENCODING, replacing
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.data.tables import read_csv

NAME = "labels.csv"
COLUMNS = ["path", "label", "time"]


@dataclass
class Labels:
    """Classes of photos, and the file that holds them: columns path, label, time (UTC). of: class by path."""

    file: Path
    of: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def beside(cls, folder: Path) -> Labels:
        """Those of a folder of photos; none yet where there is no file.

        Raises DataError when the file is damaged, or somebody else's.
        """
        labels = cls(folder / NAME)
        labels.read()
        return labels

    def read(self) -> None:
        """Take up what the file says now: people and other programs may have changed it."""
        if not self.file.is_file():
            return
        table = read_csv(self.file, COLUMNS[:2], Sentence("`label RUN FOLDER` writes one."))
        twice = table[table.duplicated("path")]
        if not set(table.columns) <= set(COLUMNS) or len(twice):
            what = Sentence("columns {names}", names=", ".join(table.columns))
            if len(twice):
                what = Sentence("two lines for {path}", path=twice["path"].iloc[0])
            other = "{file} is not as `label` wrote it: {what}. Mend it, or give it another name."
            raise DataError(other, file=self.file, what=what)
        self.of = dict(zip(table["path"], table["label"], strict=True))
        self.times = dict(zip(table["path"], table.get("time", pd.Series("", table.index)), strict=True))

    def give(self, path: str, label: str | None) -> None:
        """Write down a photo's class, or take it back with None; the file is whole at any moment."""
        with self.one_at_a_time:
            self.read()
            self.of.pop(path, None)
            if label is not None:
                self.of[path] = label
                self.times[path] = datetime.now(timezone.utc).isoformat(timespec="seconds")
            rows = [(path, label, self.times.get(path, "")) for path, label in self.of.items()]
            with (
                replacing(self.file) as temporary,
                temporary.open("w", encoding=TABLE_ENCODING, newline="") as table,
            ):
                pd.DataFrame(rows, columns=COLUMNS).to_csv(table, index=False, lineterminator="\n")
                table.flush()
                os.fsync(table.fileno())
