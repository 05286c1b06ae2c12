"""Photos that could be read when the run began and cannot be read any more."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
from fastai.callback.core import Callback

from kimchi_vision.base.errors import RunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.base.sentence import Quoted, Sentence
from kimchi_vision.data.photo import Photos, open_photo
from kimchi_vision.learning.train import distributed
from kimchi_vision.results.run import Run

log = logging.getLogger(__name__)


class LostPhotos(Callback):
    """After an epoch with fewer photos than there are, names the lost ones, also in skipped.csv."""

    def __init__(self, files: RunFiles) -> None:
        self.files = files
        self.known: set[str] = set()
        self.fewest = math.inf

    def before_train(self) -> None:
        """Count anew."""
        self.seen = 0

    def after_batch(self) -> None:
        """The photos of one more batch."""
        self.seen += len(self.yb[0]) if self.training else 0

    def after_train(self) -> None:
        """Look for the photos that were missed, by this device or another."""
        dl = self.dls.train
        self.seen = distributed.summed(self.seen) if getattr(dl, "mine", None) else self.seen
        if self.seen >= min(self.fewest, len(dl) * dl.bs if dl.drop_last else dl.n):
            return  # looking means to decode them all
        self.fewest = self.seen
        lost = unreadable(dl.items)
        new = lost[~lost["path"].isin(self.known)]
        self.known |= set(new["path"])
        for row in new.itertuples():
            log.warning("%s is left out from now on: it %s.", row.path, Quoted(row.reason))
        listed(self.files, new)


def listed(files: RunFiles, lost: pd.DataFrame) -> None:
    """Add photos (path, label, reason) to skipped.csv, each once."""
    before = [Run(files.path).table(files.skipped)] if files.skipped.is_file() else []
    write_table(files.skipped, pd.concat([*before, lost], ignore_index=True).drop_duplicates("path"))


@contextmanager
def named(photos: Photos) -> Iterator[None]:
    """An error inside the block that comes from a photo is raised as a RunError that names it."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        items = photos.items.assign(file=photos.files(photos.items))
        lost = unreadable(items)
        if lost.empty:
            raise
        others = Sentence(" {count} more {count:photo is/photos are} lost, too.", count=len(lost) - 1)
        raise RunError(
            "{photo} {reason}.{others} Put back what is lost and give the same command: the epochs that "
            "ended are kept. Or set `data.policy.unreadable: skip`, which leaves such photos out.",
            photo=photos.root / lost["path"].iloc[0],
            reason=lost["reason"].iloc[0],
            others=others if len(lost) > 1 else "",
        ) from error


def unreadable(items: pd.DataFrame) -> pd.DataFrame:
    """Columns path, label, reason of the rows whose photo cannot be read. items: with path, label, file."""
    rows = []
    for row in items.itertuples():
        try:
            open_photo(row.file)
        except FileNotFoundError:
            rows.append((row.path, row.label, "is no longer there"))
        except (ValueError, OSError) as error:
            rows.append((row.path, row.label, str(error).removeprefix(f"{row.file} ")))
    return pd.DataFrame(rows, columns=["path", "label", "reason"])
