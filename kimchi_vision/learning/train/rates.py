"""lr_find: the curve as CSV and figure, and what fastai's four ways of reading it suggest."""

from __future__ import annotations

import logging
import math

import pandas as pd
from fastai.callback.schedule import minimum, slide, steep, valley
from fastai.learner import Learner
from torch import tensor

from kimchi_vision.base.files import write_table
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.config.stages import LrFind
from kimchi_vision.results import plots

log = logging.getLogger(__name__)


def find_rates(arguments: LrFind, learn: Learner, files: RunFiles) -> float | None:
    """Run lr_find, write its curve, print all suggestions, and return the chosen one.

    None when the loss grew too early to read a rate from it.
    """
    learn.lr_find(**arguments.model_dump(exclude={"suggest"}), show_plot=False, suggest_funcs=None)
    curve = pd.DataFrame({"lr": learn.recorder.lrs, "loss": [float(loss) for loss in learn.recorder.losses]})
    write_table(files.lr_find, curve)
    suggestions = _suggestions(learn, arguments.num_it)
    plots.save(plots.lr_find(curve, suggestions), files.figure("lr_find"))
    if suggestions:
        found = ", ".join(f"{name} {rate:.2g}" for name, rate in suggestions.items())
        log.info("lr_find suggests: %s", found)
    else:
        log.info("lr_find suggests nothing: the loss grew too early.")
    return suggestions.get(arguments.suggest)


def _suggestions(learn: Learner, num_it: int) -> dict[str, float]:
    """Rates by name, as Learner.lr_find trims the curve; a way that finds nothing is left out."""
    lrs = tensor(learn.recorder.lrs[num_it // 10 : -5])
    losses = tensor([float(loss) for loss in learn.recorder.losses[num_it // 10 : -5]])
    finite = losses.isfinite()
    lrs, losses = lrs[finite], losses[finite]
    found: dict[str, float] = {}
    for method in (valley, slide, steep, minimum):
        try:
            rate, _ = method(lrs, losses, num_it)
        except (IndexError, ValueError, RuntimeError):
            continue
        if rate is not None and math.isfinite(rate) and rate > 0:
            found[method.__name__] = float(rate)
    return found
