"""Photos whose label is probably wrong, by what models that never trained on them predict."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.run_files import RunDir
from kimchi_vision.data import page
from kimchi_vision.data.audit import Audit, Finding


def suspects(runs: Sequence[RunDir]) -> pd.DataFrame:
    """Columns path, label, suggested, quality (0 to 1, low is suspect), most suspect first.

    runs: one run, for its validation photos, or the runs of all folds, for every photo. Photos come in that
    confident learning holds for mislabelled (Northcutt, Jiang and Chuang, 2021, JAIR 70; cleanlab).
    Raises InputError when a run has no predictions, or the runs differ in their classes.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    tables = [run.read_table(run.predictions) for run in runs]
    names = [[column for column in table if column.startswith("p:")] for table in tables]
    if any(each != names[0] for each in names):
        raise InputError(
            f"{runs[0].path} and the others have different classes; give the folds of one data set."
        )
    table = pd.concat(tables, ignore_index=True)
    table = table[table["split"] != "train"].drop_duplicates("path").reset_index(drop=True)
    vocab = [name.removeprefix("p:") for name in names[0]]
    labels = pd.Categorical(table["truth"], vocab).codes.astype(int)
    probabilities = table[names[0]].to_numpy(dtype=float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cleanlab's words on classes with few photos
        wrong = find_label_issues(labels, probabilities, n_jobs=1)
    quality = get_label_quality_scores(labels, probabilities)
    found = pd.DataFrame(
        {
            "path": table["path"],
            "label": table["truth"],
            "suggested": np.array(vocab, dtype=object)[probabilities.argmax(axis=1)],
            "quality": quality.round(4),
        }
    )
    return found[wrong].sort_values("quality", ignore_index=True)


def write_page(found: pd.DataFrame, run: RunDir, file: Path, lang: str = "auto") -> None:
    """Show the suspects with their pictures, a heading for each pair of classes.

    Raises InputError when the photos are no longer where the run found them.
    """
    root = Path(run.read_json(run.data)["root"])
    if not root.is_dir():
        raise InputError(f"{root} is not there any more; the page needs the photos that {run.path} used.")
    findings = tuple(
        Finding("suspect", tuple((path,) for path in rows["path"]), {"label": label, "suggested": suggested})
        for (label, suggested), rows in found.groupby(["label", "suggested"], sort=False)
    )
    photos = run.read_table(run.items)
    sizes = [(root / path).stat().st_size for path in photos["path"]]
    page.write(Audit(root, photos.assign(problem="", bytes=sizes, width=0, height=0), findings), file, lang)
