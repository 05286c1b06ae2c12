"""DataLoaders over kept photos, each in front of fastai's own, which stays in charge of everything else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from fastai.data.core import TfmdDL

if TYPE_CHECKING:
    from kimchi_vision.loader.prepared import ByNumber, Part


class FastDL(TfmdDL):
    """Batches made by threads of this process, in the order that the stock loader would draw.

    new, and so test_dl, get_preds and export, leads to the stock loader; so does decoding.
    """

    def __init__(self, stock: TfmdDL, part: Part, photos: ByNumber, threads: int) -> None:
        options = {"bs": stock.bs, "shuffle": stock.shuffle, "drop_last": stock.drop_last}
        super().__init__(stock.dataset, **options, num_workers=0, device=stock.device)
        self.stock, self.photos, self.threads = stock, photos, max(1, threads)
        self.classes = torch.tensor(part.classes)
        self.rng = stock.rng

    def new(self, dataset: Any = None, cls: Any = None, **options: Any) -> TfmdDL:
        """A stock loader."""
        return self.stock.new(dataset, cls, **options)

    def decode(self, batch: Any) -> Any:
        """As the stock loader undoes its transforms."""
        return self.stock.decode(batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One epoch: photos (n, 3, height, width) float32, and class numbers."""
        self.randomize()
        self.before_iter()
        order = np.array(self.get_idxs())
        starts = range(0, len(self) * self.bs, self.bs)
        self.begin(len(order))
        with ThreadPoolExecutor(self.threads) as pool:
            for start in starts:
                rows = slice(start, min(start + self.bs, len(order)))
                pictures = self.pictures(order, rows, pool)
                classes = self.classes[order[rows]].to(self.device, non_blocking=True)
                yield pictures.to(self.device, non_blocking=True), classes

    def begin(self, count: int) -> None:
        """Called before an epoch of so many photos."""

    def pictures(self, order: np.ndarray, rows: slice, pool: ThreadPoolExecutor) -> torch.Tensor:
        """The batch at these rows of the order: (n, 3, height, width) float32."""
        photos = pool.map(self.photos.__getitem__, order[rows].tolist())
        return torch.from_numpy(np.stack(list(photos))).permute(0, 3, 1, 2)


class FusedDL(FastDL):
    """Training batches by the fused engine. fused: what augment.transforms returns as `train`."""

    def __init__(self, stock: TfmdDL, part: Part, photos: ByNumber, threads: int, fused: Any) -> None:
        super().__init__(stock, part, photos, threads)
        self.fused = fused

    def begin(self, count: int) -> None:
        """Draw the epoch's parameters, from the state of the order's generator and without moving it on."""
        ahead = random.Random()
        ahead.setstate(self.rng.getstate())
        self.draws = self.fused.draw(count, self.bs, ahead.getrandbits(64))

    def pictures(self, order: np.ndarray, rows: slice, pool: ThreadPoolExecutor) -> torch.Tensor:
        """As FastDL says; on a GPU the small photos go there first."""
        draws = self.draws[rows]
        numbers = order[rows].tolist()
        if torch.device(self.device).type != "cpu":
            windows = self.fused.windows([self.photos[number] for number in numbers], draws)
            return self.fused.on_device(windows, draws, self.device)
        pictures = self.fused.empty(len(numbers))

        def fill(chunk: slice) -> None:
            self.fused([self.photos[number] for number in numbers[chunk]], draws[chunk], pictures[chunk])

        step = -(-len(numbers) // self.threads)
        list(pool.map(fill, [slice(start, start + step) for start in range(0, len(numbers), step)]))
        return torch.from_numpy(pictures).permute(0, 3, 1, 2)
