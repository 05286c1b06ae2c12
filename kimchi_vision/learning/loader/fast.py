"""DataLoaders over kept photos, each in front of fastai's own, which stays in charge of everything else."""

import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from fastai.data.core import TfmdDL

from kimchi_vision.learning.augment.fused import Fused
from kimchi_vision.learning.device import sent
from kimchi_vision.learning.loader.photo_cache import ByNumber


class FastDL(TfmdDL):
    """Batches made by threads of this process, in the order that the stock loader would draw.

    new, and so test_dl, get_preds and export, leads to the stock loader; so does decoding.
    skip: photos that cannot be read are left out; else what open_photo raises ends the epoch.
    ahead: batches that are made while one is trained on.
    mine: of so many photos of a batch, those that this process makes; None: all of them.
    """

    skip = False
    mine: Callable[[int], slice] | None = None

    def __init__(self, stock: TfmdDL, classes: np.ndarray, photos: ByNumber, threads: int) -> None:
        options = {"bs": stock.bs, "shuffle": stock.shuffle, "drop_last": stock.drop_last}
        super().__init__(stock.dataset, **options, num_workers=0, device=stock.device)
        self.stock, self.photos, self.threads = stock, photos, max(1, threads)
        self.classes = torch.tensor(classes)
        # While a GPU trains, the processor makes the next batches; a processor that trains has no time to.
        self.ahead = 0 if torch.device(stock.device or "cpu").type == "cpu" else 2
        self.rng = stock.rng

    def new(self, dataset: object = None, cls: type | None = None, **options: object) -> TfmdDL:
        """A stock loader."""
        return self.stock.new(dataset, cls, **options)

    def decode(self, batch: object) -> object:
        """As the stock loader undoes its transforms."""
        return self.stock.decode(batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch: photos (n, 3, height, width) float32, and class numbers."""
        self.randomize()
        self.before_iter()
        order = np.array(self.get_idxs())
        self.begin(len(order))
        starts = range(0, len(self) * self.bs, self.bs)
        parts = [np.arange(start, min(start + self.bs, len(order))) for start in starts]
        if self.mine is not None:
            parts = [rows[self.mine(len(rows))] for rows in parts]
        with ThreadPoolExecutor(self.threads) as pool, ThreadPoolExecutor(1) as maker:
            made = deque()
            for rows in parts:
                made.append(maker.submit(self._batch, order, rows, pool))
                if len(made) > self.ahead and (batch := made.popleft().result()):
                    yield batch
            yield from filter(None, (future.result() for future in made))

    def _batch(
        self, order: np.ndarray, rows: np.ndarray, pool: ThreadPoolExecutor
    ) -> tuple[torch.Tensor, torch.Tensor] | None:
        """None when no photo of it can be read. rows: places in the epoch's order."""
        photos = list(pool.map(self._read, order[rows].tolist()))
        rows = rows[[photo is not None for photo in photos]]
        if not len(rows):
            return None
        pictures = self.pictures([photo for photo in photos if photo is not None], rows, pool)
        return sent(pictures, self.device), sent(self.classes[order[rows]], self.device)

    def begin(self, count: int) -> None:
        """Called before an epoch of so many photos."""

    def pictures(self, photos: list[np.ndarray], rows: np.ndarray, pool: ThreadPoolExecutor) -> torch.Tensor:
        """Kept photos as a batch, (n, 3, height, width) float32. rows: their places in the epoch."""
        return torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2)

    def _read(self, number: int) -> np.ndarray | None:
        try:
            return self.photos(number)
        except (ValueError, OSError):
            if not self.skip:
                raise
            return None


class FusedDL(FastDL):
    """Training batches by the fused engine. fused: what augment.transforms returns as `train`."""

    def __init__(
        self, stock: TfmdDL, classes: np.ndarray, photos: ByNumber, threads: int, fused: Fused
    ) -> None:
        super().__init__(stock, classes, photos, threads)
        self.fused = fused

    def begin(self, count: int) -> None:
        """Draw the epoch's parameters, from the state of the order's generator and without moving it on."""
        ahead = random.Random()
        ahead.setstate(self.rng.getstate())
        self.draws = self.fused.draw(count, self.bs, ahead.getrandbits(64))

    def pictures(self, photos: list[np.ndarray], rows: np.ndarray, pool: ThreadPoolExecutor) -> torch.Tensor:
        """As FastDL says; on a GPU the small photos go there first."""
        draws, device = self.draws[rows], torch.device(self.device)
        on_processor, step = device.type == "cpu", -(-len(photos) // self.threads)
        if on_processor:
            fill, room = self.fused, torch.from_numpy(self.fused.empty(len(photos)))
        else:
            fill, room = self.fused.windows, self.fused.room(len(photos), device)
        array = room.numpy()

        def fill_part(start: int) -> None:
            rows = slice(start, start + step)
            fill(photos[rows], draws[rows], array[rows])

        list(pool.map(fill_part, range(0, len(photos), step)))
        return room.permute(0, 3, 1, 2) if on_processor else self.fused.on_device(room, draws, device)
