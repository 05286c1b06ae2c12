"""A batch that does not fit into memory is trained in parts whose gradients add up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from fastai.callback.core import CancelBackwardException, CancelStepException
from fastai.callback.mixup import MixHandler

from kimchi_vision.base.errors import RunError
from kimchi_vision.learning import device

if TYPE_CHECKING:
    from fastai.learner import Learner

log = logging.getLogger(__name__)


class Fitting:
    """Takes the place of Learner._do_one_batch, and halves what goes through the network when it must.

    parts: into how many parts each batch is cut. The step stays that of the whole batch, and so do its
    learning rates; only batch norm sees the smaller parts, and `class_weights` weigh within each part.
    """

    def __init__(self, learn: Learner) -> None:
        self.learn, self.parts = learn, 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block every batch of the learner goes this way."""
        self.learn._do_one_batch = self._one_batch
        try:
            yield
        finally:
            del self.learn._do_one_batch

    def _one_batch(self) -> None:
        learn = self.learn
        if not learn.training:
            self._made_to_fit(self._validate)
            return
        self._made_to_fit(self._add_up_gradients)
        learn._with_events(learn._step, "step", CancelStepException)
        learn.opt.zero_grad()

    def _made_to_fit(self, work: Callable[[], None]) -> None:
        while True:
            try:
                work()
                return
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
            # Only here, where the error has let go of what the network had computed.
            self._halve()

    def _halve(self) -> None:
        photos, self.parts = len(self.learn.xb[0]), 2 * self.parts
        if photos < 2 * self.parts:  # batch norm needs two
            raise RunError(
                "There is not enough memory even for {photos} photos at once. Take a smaller "
                "`augment.size` or `model.backbone`, or end what else takes memory.",
                photos=2 * photos // self.parts,
            )
        if self.learn.opt:
            self.learn.opt.zero_grad()
        device.empty(self.learn.xb[0].device)
        log.warning(
            "There is not enough memory for %d photos at once. From here on each batch of %d goes through "
            "the network in %d parts, and their gradients add up: the effective batch stays %d.",
            -(-2 * photos // self.parts),
            photos,
            self.parts,
            photos,
        )

    def _add_up_gradients(self) -> None:
        learn = self.learn
        xb, yb, predictions, losses = learn.xb, learn.yb, [], []
        try:
            for rows in self._rows(len(xb[0])):
                learn.xb, learn.yb = _part(xb, rows), _part(yb, rows)
                with self._mixed(rows):
                    learn.pred = learn.model(*learn.xb)
                    learn("after_pred")
                    learn.loss_grad = learn.loss_func(learn.pred, *learn.yb)
                if self.parts > 1:
                    learn.loss_grad = learn.loss_grad * (len(learn.xb[0]) / len(xb[0]))
                learn.loss = learn.loss_grad.clone()
                predictions.append(learn.pred.detach())
                losses.append(learn.loss.detach())
                learn("after_loss")
                learn._with_events(learn._backward, "backward", CancelBackwardException)
        finally:
            learn.xb, learn.yb = xb, yb
        if self.parts > 1:
            learn.pred, learn.loss = torch.cat(predictions), sum(losses)

    def _validate(self) -> None:
        learn = self.learn
        parts = [learn.model(*_part(learn.xb, rows)) for rows in self._rows(len(learn.xb[0]))]
        learn.pred = parts[0] if len(parts) == 1 else torch.cat(parts)
        learn("after_pred")
        learn.loss_grad = learn.loss_func(learn.pred, *learn.yb)
        learn.loss = learn.loss_grad.clone()
        learn("after_loss")

    def _rows(self, photos: int) -> list[slice]:
        """Parts of a batch, of nearly equal size."""
        parts = min(self.parts, max(1, photos // 2))
        return [slice(photos * k // parts, photos * (k + 1) // parts) for k in range(parts)]

    @contextmanager
    def _mixed(self, rows: slice) -> Iterator[None]:
        """MixUp and CutMix hold the other photos' classes, and MixUp a share for each photo."""
        mixing = [one for one in self.learn.cbs if isinstance(one, MixHandler)]
        whole = [(one.yb1, one.lam) for one in mixing]
        for one in mixing:
            one.yb1 = _part(one.yb1, rows)
            one.lam = one.lam[rows] if one.lam.numel() > 1 else one.lam
        try:
            yield
        finally:
            for one, (yb1, lam) in zip(mixing, whole, strict=True):
                one.yb1, one.lam = yb1, lam


def _part(tensors: tuple[torch.Tensor, ...], rows: slice) -> tuple[torch.Tensor, ...]:
    whole = rows == slice(0, len(tensors[0]))
    return tensors if whole else tuple(tensor[rows] for tensor in tensors)


def _is_out_of_memory(error: Exception) -> bool:
    """CUDA's own class, and what torch says on a processor (Linux, Windows)."""
    said = str(error)
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or (
        "DefaultCPUAllocator" in said or "not enough memory" in said or "CUDA out of memory" in said
    )
