"""The scores of the registry as fastai metrics, over all validation photos of an epoch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from fastai.learner import Learner, Metric

from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.results import candidates, evaluate
from kimchi_vision.results.predictions import Predictions
from kimchi_vision.results.scores import METRICS, Asked, Score
from kimchi_vision.results.scores import Metric as ScoreMetric


class _Outputs:
    """What the network said in one validation, kept once for all scores."""

    def __init__(self, vocab: Sequence[str], whole: bool) -> None:
        self.vocab, self.whole = list(vocab), whole
        self.batches: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._found: Predictions | None = None

    def reset(self) -> None:
        self.batches, self._found = [], None

    def predictions(self) -> Predictions | None:
        """None when an output is no finite number."""
        if self._found is None:
            logits, truth = (torch.cat(parts).cpu().numpy() for parts in zip(*self.batches, strict=True))
            if np.isfinite(logits).all():
                labels = np.array(self.vocab, dtype=object)[truth]
                items = pd.DataFrame({"path": range(len(truth)), "split": "valid", "label": labels})
                self._found = Predictions.from_logits(items, logits, self.vocab)
        return self._found


class EpochScore(Metric):
    """One score; the first of several that share `outputs` collects them."""

    def __init__(self, metric: ScoreMetric, section: Asked, outputs: _Outputs, collects: bool) -> None:
        self.metric, self.section, self.outputs, self.collects = metric, section, outputs, collects

    def reset(self) -> None:
        """Begin a validation."""
        if self.collects:
            self.outputs.reset()

    def accumulate(self, learn: Learner) -> None:
        """One batch more."""
        if self.collects:
            self.outputs.batches.append((learn.pred.detach().float(), learn.y.detach()))

    @property
    def value(self) -> float | None:
        """Over all photos of the validation; NaN when an output is no number, None without labels."""
        if not self.outputs.batches:
            return None
        found = self.outputs.predictions()
        return float("nan") if found is None else self.metric.estimate(found, self.section).value

    def shown(self) -> str:
        """The value with its interval, as people read it; empty when an output is no number."""
        found = self.outputs.predictions() if self.outputs.batches else None
        if found is None:
            return ""
        return str(Score(self.metric, *self.metric.estimate(found, self.section), len(found)))

    @property
    def name(self) -> str:
        """Its column in history.csv."""
        return self.metric.name


def epoch_scores(
    vocab: Sequence[str], section: Asked = evaluate.DEFAULT, whole: bool = False
) -> list[EpochScore]:
    """A metric for each score of the registry. vocab: the classes in the order of the outputs.

    whole: each epoch's probabilities are kept, too, not only what was right.
    """
    outputs = _Outputs(vocab, whole)
    return [
        EpochScore(metric, section, outputs, collects=number == 0)
        for number, metric in enumerate(METRICS.values())
    ]


def keep_answers(learn: Learner, files: RunFiles, epoch: int) -> None:
    """Keep what the last validation said of each photo, where `learn` has scores of the registry."""
    outputs = next((each.outputs for each in learn.metrics if isinstance(each, EpochScore)), None)
    found = outputs and outputs.predictions()
    if found is not None:
        candidates.write_epoch(files.epoch_answers, epoch, found, outputs.whole)
