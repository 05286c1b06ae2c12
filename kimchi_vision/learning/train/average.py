"""Key `train.ema`: a running mean of the weights, which is validated, kept and exported in their place."""

from __future__ import annotations

import torch
from fastai.learner import Learner
from torch.optim.swa_utils import get_ema_multi_avg_fn

from kimchi_vision.learning.train.recording import Replayable


class Average(Replayable):
    """Follows weights and batch-norm statistics over all phases; takes their place when an epoch is scored.

    decay: share of the mean that stays at each step. Source: torch.optim.swa_utils, Averaging models.
    mean: by tensor name, what the model would be at the end; None before the first step.
    """

    order = 62  # after KeepBest, which saves what was scored, and before Checkpoint, which needs both

    def __init__(self, decay: float) -> None:
        self.follow = get_ema_multi_avg_fn(decay)
        self.mean: dict[str, torch.Tensor] | None = None
        self.scored = False

    def before_fit(self) -> None:
        """Begin with what the first phase begins with."""
        if self.mean is None:
            self.mean = {name: tensor.clone() for name, tensor in self._tensors(self.learn).items()}

    def after_batch(self) -> None:
        """Follow one step."""
        if self.training and not self.replayed:
            self.follow(list(self.mean.values()), list(self._tensors(self.learn).values()), None)

    def before_validate(self) -> None:
        """The mean is scored."""
        self._exchange(self.learn)

    def after_epoch(self) -> None:
        """Training goes on from the weights."""
        if self.scored:  # else skipped: done before the run was taken up again
            self._exchange(self.learn)

    def finish(self, learn: Learner) -> None:
        """Leave the mean in the model."""
        if self.mean is not None and not self.scored:
            self._exchange(learn)

    def _exchange(self, learn: Learner) -> None:
        self.scored = not self.scored
        with torch.no_grad():
            for name, tensor in self._tensors(learn).items():
                weights = tensor.clone()
                tensor.copy_(self.mean[name])
                self.mean[name].copy_(weights)

    @staticmethod
    def _tensors(learn: Learner) -> dict[str, torch.Tensor]:
        """Weights and statistics; counters are no numbers to average."""
        found = learn.model.state_dict().items()
        return {name: tensor.detach() for name, tensor in found if tensor.is_floating_point()}
