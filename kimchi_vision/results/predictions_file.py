"""predictions.csv: how its columns are called, and whether they make sense."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.files import read_table

LARGEST_GAP = 1e-3
"""Probabilities of a photo may miss 1 by this much: float32 and a text file lose digits."""


_SHARE = "p:"
"""How the columns of probabilities begin; the class's name follows."""
_TEXT = ("path", "split", "truth", "predicted")


def columns(vocab: Sequence[str]) -> list[str]:
    """Those of the classes' probabilities."""
    return [f"{_SHARE}{name}" for name in vocab]


def read(file: Path, vocab: Sequence[str]) -> pd.DataFrame:
    """A table of predictions, its numbers float32: the same scores follow from it as from the model.

    Raises InputError for a missing or damaged file, other classes than vocab, and what are no probabilities.
    """
    table = read_table(file, _TEXT)
    needed = [*_TEXT, "loss", *columns(vocab)]
    missing = [column for column in needed if column not in table]
    if missing:
        raise InputError(
            "{file} lacks the column `{column}`; run the experiment again.", file=file, column=missing[0]
        )
    beyond = [column for column in table if column.startswith(_SHARE) and column not in needed]
    if beyond:
        raise InputError(
            "{file} has `{column}`, a class that labels.json lacks.", file=file, column=beyond[0]
        )
    _check_values(table, vocab, file)
    return table.astype(dict.fromkeys(["loss", *columns(vocab)], np.float32))


def _check_values(table: pd.DataFrame, vocab: Sequence[str], file: Path) -> None:
    for column in ("truth", "predicted"):
        strange = table[column][~table[column].isin(vocab)]
        if len(strange):
            raise InputError(
                "{file}: {strange!r} in `{column}` is not in labels.json.",
                file=file,
                strange=strange.iloc[0],
                column=column,
            )
    try:
        rows = table[columns(vocab)].to_numpy(float)
        table["loss"].astype(float)
    except ValueError as error:
        raise InputError(
            "{file}: a probability or loss is not a number: {reason}.", file=file, reason=error
        ) from None
    total, least = rows.sum(axis=1), rows.min(axis=1)
    below, sums = least < 0, np.abs(total - 1) <= LARGEST_GAP
    if below.any():
        raise InputError(
            "{file}: a probability of {path} is {least:.4g}, below 0; {count} {count:photo is/photos are} "
            "like that. Probabilities are 0 to 1: of a network's outputs, write what softmax makes of them.",
            file=file,
            path=table["path"].iloc[int(np.argmax(below))],
            least=least[np.argmax(below)],
            count=int(below.sum()),
        )
    # A comparison with NaN is false, so this finds missing values too.
    if not sums.all():
        worst = int(np.argmin(sums))
        raise InputError(
            "{file}: the probabilities of {path} do not sum to one (they sum to {total:.4g}); "
            "{count} {count:photo is/photos are} like that.",
            file=file,
            path=table["path"].iloc[worst],
            total=total[worst],
            count=int((~sums).sum()),
        )
