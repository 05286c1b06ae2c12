"""After each epoch, everything that the next one depends on; a run that died goes on bit for bit (CPU)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from fastai.callback.core import Callback
from fastcore.foundation import L

from kimchi_vision.rundir import RunDir, replacing
from kimchi_vision.train.callbacks import KeepBest, Recording

if TYPE_CHECKING:
    from fastai.learner import Learner


@dataclass
class Position:
    """How far training is: the step (lr_find or a phase), its epochs that are done, lr_find's last rate."""

    step: int = 0
    epochs: int = 0
    suggested: float | None = None


class Checkpoint(Callback):
    """Writes checkpoints/last.pth after each epoch, and takes a run up again from it."""

    order = 100  # after every callback that an epoch's state passes through

    def __init__(self, folder: RunDir, recording: Recording, best: KeepBest) -> None:
        self.folder, self.recording, self.best = folder, recording, best
        self.position = Position()

    def after_epoch(self) -> None:
        """Write the state, unless the epoch was skipped because it was done before."""
        if not self.recorder.values[-1]:
            return
        self.position.epochs = self.learn.epoch + 1
        smooth_loss = self.recorder.smooth_loss
        state = {
            "position": vars(self.position),
            "model": self.model.state_dict(),
            "opt": self.opt.state_dict(),
            "smooth_loss": (smooth_loss.count, smooth_loss.val.as_subclass(torch.Tensor)),
            "rows": self.recording.rows,
            "best": (self.best.best, self.best.best_epoch),
        }
        with replacing(self.folder.last) as temporary:
            torch.save({**_plain(state), "random": _random_state(self.dls)}, temporary)

    def take_up(self, learn: Learner) -> dict[str, Any] | None:
        """Put the saved state into learner and callbacks; None when there is none.

        The optimizer's is left to `restore_opt`: freezing and unfreezing, which comes first, clears it.
        """
        if not self.folder.last.is_file():
            return None
        state = torch.load(self.folder.last, map_location=learn.dls.device, weights_only=True)
        learn.model.load_state_dict(state["model"])
        self.position = Position(**state["position"])
        self.recording.rows = state["rows"]
        self.best.best, self.best.best_epoch = state["best"]
        _restore_random(state["random"], learn.dls)
        return state


def restore_opt(learn: Learner, state: dict[str, Any]) -> None:
    """Put the saved optimizer state into a learner whose groups are frozen as they were."""
    if learn.opt is None:
        learn.create_opt()
    learn.opt.load_state_dict({**state["opt"], "hypers": L(state["opt"]["hypers"])})


class Restore(Callback):
    """Sets the random states where the first new epoch starts: fastai draws before it skips to there."""

    order = 71  # after SkipToEpoch, which ends the earlier epochs

    def __init__(self, state: dict[str, Any]) -> None:
        self.state: dict[str, Any] | None = state

    def before_epoch(self) -> None:
        """Once: random states and the running training loss."""
        if self.state is None:
            return
        _restore_random(self.state["random"], self.dls)
        self.recorder.smooth_loss.count, self.recorder.smooth_loss.val = self.state["smooth_loss"]
        self.state = None


def _plain(value: Any) -> Any:
    """Without the classes of fastcore and NumPy, which a load that runs no code refuses."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | L):
        return [_plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value


def _random_state(dls: Any) -> dict[str, Any]:
    """As plain values and tensors, so that loading runs no code."""
    _, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (torch.from_numpy(keys.astype(np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "loaders": [loader.rng.getstate() for loader in (dls.train, dls.valid)],
    }


def _restore_random(state: dict[str, Any], dls: Any) -> None:
    random.setstate(state["python"])
    keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"]:
        torch.cuda.set_rng_state_all([one.cpu() for one in state["cuda"]])
    for loader, saved in zip((dls.train, dls.valid), state["loaders"], strict=True):
        loader.rng.setstate(saved)
