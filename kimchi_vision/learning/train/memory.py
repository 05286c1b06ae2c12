"""A batch that does not fit into memory is trained in parts whose gradients add up."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import torch
from fastai.callback.core import CancelBackwardException, CancelStepException
from fastai.callback.mixup import MixHandler
from fastai.learner import Learner

from kimchi_vision.base.errors import RunError
from kimchi_vision.learning import device
from kimchi_vision.learning.train import distributed

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
        distributed.draw_apart(learn)
        distributed.average(learn, self._made_to_fit(self._add_up_gradients))
        learn._with_events(learn._step, "step", CancelStepException)
        learn.opt.zero_grad()

    def _made_to_fit(self, work: Callable[[], int]) -> int:
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
            # Only here, where the error has let go of what the network had computed.
            self._halve()

    def _halve(self) -> None:
        photos, self.parts = len(self.learn.xb[0]), 2 * self.parts
        if photos < 2 * self.parts or distributed.count() > 1:  # batch norm needs two; others would wait
            raise RunError(
                "There is not enough memory even for {photos} {photos:photo/photos} at once. Take a smaller "
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

    def _add_up_gradients(self) -> int:
        """How many photos this device took."""
        learn = self.learn
        xb, yb, predictions, losses = learn.xb, learn.yb, [], []
        mine = distributed.rows_of(learn.dl, len(xb[0]))
        photos = mine.stop - mine.start
        try:
            for rows in self._rows(mine):
                learn.xb, learn.yb = _part(xb, rows), _part(yb, rows)
                with self._mixed(rows):
                    learn.pred = learn.model(*learn.xb)
                    learn("after_pred")
                    learn.loss_grad = learn.loss_func(learn.pred, *learn.yb)
                weight = len(learn.xb[0]) / photos * distributed.weight(photos, learn.dl.bs)
                if weight != 1:
                    learn.loss_grad = learn.loss_grad * weight
                learn.loss = learn.loss_grad.clone()
                predictions.append(learn.pred.detach())
                losses.append(learn.loss.detach())
                learn("after_loss")
                learn._with_events(learn._backward, "backward", CancelBackwardException)
        finally:
            learn.xb, learn.yb = xb, yb
        if self.parts > 1:
            learn.pred, learn.loss = torch.cat(predictions), sum(losses)
        return photos

    def _validate(self) -> int:
        learn = self.learn
        photos = len(learn.xb[0])
        parts = [learn.model(*_part(learn.xb, rows)) for rows in self._rows(distributed.rows(photos))]
        learn.pred = distributed.joined(parts[0] if len(parts) == 1 else torch.cat(parts), photos)
        learn("after_pred")
        learn.loss_grad = learn.loss_func(learn.pred, *learn.yb)
        learn.loss = learn.loss_grad.clone()
        learn("after_loss")
        return photos

    def _rows(self, mine: slice) -> list[slice]:
        """Parts of this device's part of a batch, of nearly equal size."""
        photos = mine.stop - mine.start
        parts = min(self.parts, max(1, photos // 2))
        ends = [mine.start + photos * k // parts for k in range(parts + 1)]
        return [slice(*pair) for pair in pairwise(ends)]

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
