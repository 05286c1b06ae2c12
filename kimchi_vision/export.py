"""Section `export`: files that leave the run, each checked before it gets its name."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import torch
from fastai.learner import Learner

from kimchi_vision.errors import RunError
from kimchi_vision.rundir import RunDir, replacing

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from kimchi_vision.config.sections import Export
    from kimchi_vision.photos import Photos

log = logging.getLogger(__name__)

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


def write(section: Export, learn: Learner, photos: Photos, predictions: pd.DataFrame, run: RunDir) -> None:
    """Write model.pkl and weights.pth.

    predictions: what the learner itself said; the loaded file must say the same.
    Raises RunError, and leaves no file under the final name, when it does not.
    """
    if section.weights:
        with replacing(run.weights) as temporary:
            torch.save(learn.model.state_dict(), temporary)
    if section.pkl:
        _write_pkl(learn, photos, predictions, run)


def _write_pkl(learn: Learner, photos: Photos, predictions: pd.DataFrame, run: RunDir) -> None:
    dls = learn.dls
    try:
        with replacing(run.pkl) as temporary:
            learn.export(temporary.resolve())
            gap = _gap_in_fresh_process(temporary, photos, predictions.head(4))
            if gap > LARGEST_GAP:
                raise RunError(f"{run.pkl} was not written: loaded again, its answers differ by {gap:.1e}.")
    finally:
        # A failed learn.export leaves the learner without its data.
        learn.dls = dls
    log.info("%s loads in a fresh process and answers the same (largest difference %.1e).", run.pkl, gap)


def _gap_in_fresh_process(pkl: Path, photos: Photos, sample: pd.DataFrame) -> float:
    """Largest difference of the winning class's probability."""
    columns = [name for name in sample.columns if name.startswith("p:")]
    winning = sample[columns].max(axis=1)
    arguments = [str(part) for pair in zip(photos.files(sample), winning, strict=True) for part in pair]
    command = [sys.executable, "-c", _CHECK, str(pkl), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"{pkl.name} was not written: it does not load in a fresh process: {reason}")
    return float(done.stdout.split()[-1])
