"""Photos whose label is probably wrong, by what models that never trained on them predict."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.data import page
from kimchi_vision.data.audit import Audit, Finding
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.run import Run


def suspects(runs: Sequence[Run]) -> pd.DataFrame:
    """Columns path, label, suggested, quality (0 to 1, low is suspect), most suspect first.

    runs: one run, for its validation photos, or the runs of all folds, for every photo. Photos come in that
    confident learning holds for mislabelled (Northcutt, Jiang and Chuang, 2021, JAIR 70; cleanlab).
    Raises InputError when a run has no predictions, or the runs differ in their classes.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    if any(run.vocab != runs[0].vocab for run in runs):
        raise InputError(
            "{run} and the others have different classes; give the folds of one data set.", run=runs[0].path
        )
    every = Predictions.joined([run.predictions for run in runs])
    held_out = every.where((every.table["split"] != "train").to_numpy())
    found = held_out.where(~held_out.table["path"].duplicated().to_numpy())
    labels, probabilities = found.truth, found.probabilities
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cleanlab's words on classes with few photos
        wrong = find_label_issues(labels, probabilities, n_jobs=1)
    quality = get_label_quality_scores(labels, probabilities)
    table = pd.DataFrame(
        {
            "path": found.paths,
            "label": found.table["truth"],
            "suggested": np.array(found.vocab, dtype=object)[probabilities.argmax(axis=1)],
            "quality": quality.round(4),
        }
    )
    return table[wrong].sort_values("quality", ignore_index=True)


def write_page(found: pd.DataFrame, run: Run, file: Path, lang: str = "auto") -> None:
    """Show the suspects with their pictures, a heading for each pair of classes; deleted ones are named only.

    Raises InputError when the photos are no longer where the run found them.
    """
    root = run.photos.root
    if not root.is_dir():
        what = "{root} is not there any more; the page needs the photos that {path} used."
        raise InputError(what, root=root, path=run.path)
    findings = tuple(
        Finding("suspect", tuple((path,) for path in rows["path"]), {"label": label, "suggested": suggested})
        for (label, suggested), rows in found.groupby(["label", "suggested"], sort=False)
    )
    photos = run.items
    files = [root / path for path in photos["path"]]
    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    page.write(Audit(root, photos.assign(problem="", bytes=sizes, width=0, height=0), findings), file, lang)
