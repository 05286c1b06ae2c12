"""model.pkl: fastai's own export, loaded in a fresh process before it gets its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kimchi_vision.errors import RunError

if TYPE_CHECKING:
    import pandas as pd
    from fastai.learner import Learner

    from kimchi_vision.photos import Photos

LARGEST_GAP = 1e-5
"""Probabilities of a file that loads fp32 weights unchanged may differ by this much."""

_CHECK = """
import sys, warnings
warnings.simplefilter("ignore")
from fastai.learner import load_learner
learn = load_learner(sys.argv[1])
photos, expected = sys.argv[2::2], map(float, sys.argv[3::2])
probabilities, _ = learn.get_preds(dl=learn.dls.test_dl(photos, num_workers=0))
print(max(abs(float(row.max()) - value) for row, value in zip(probabilities, expected)))
"""


def save(learn: Learner, file: Path) -> None:
    """Write what load_learner reads."""
    dls = learn.dls
    try:
        learn.export(file.resolve())
    finally:
        # A failed learn.export leaves the learner without its data.
        learn.dls = dls


def prove(file: Path, photos: Photos, predictions: pd.DataFrame) -> dict[str, Any]:
    """A fresh process answers for four photos: the largest difference of the winning class's probability.

    Raises RunError when the file does not load, or answers otherwise.
    """
    sample = predictions.head(4)
    winning = sample[[name for name in sample.columns if name.startswith("p:")]].max(axis=1)
    arguments = [str(part) for pair in zip(photos.files(sample), winning, strict=True) for part in pair]
    command = [sys.executable, "-c", _CHECK, str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"it does not load in a fresh process: {reason}")
    gap = float(done.stdout.split()[-1])
    if not gap <= LARGEST_GAP:
        raise RunError(f"loaded again, its answers differ by {gap:.1e}.")
    return {"photos": len(sample), "largest_gap": gap}
