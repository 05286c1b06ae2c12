"""Section `loader`: photos, kept small where they can be, and the transforms become fastai's DataLoaders."""

import logging
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import torch
from fastai.data.core import DataLoaders, TfmdDL

from kimchi_vision.base import cache
from kimchi_vision.base.errors import DataError
from kimchi_vision.base.threads import share
from kimchi_vision.config.sections import Loader
from kimchi_vision.data.photo import Photo, Photos, open_photo, photo_size
from kimchi_vision.learning import device
from kimchi_vision.learning.augment import Transforms
from kimchi_vision.learning.augment.fused import Fused, Presize
from kimchi_vision.learning.device import sent
from kimchi_vision.learning.loader import photo_cache, stock
from kimchi_vision.learning.loader.photo_cache import ByNumber

__all__ = ["FastDL", "build", "sample"]

log = logging.getLogger(__name__)

SHARE_OF_MEMORY = 0.5
"""Uncompressed photos above this share of the free memory would be read from the disk again and again."""


def build(section: Loader, photos: Photos, tfms: Transforms) -> DataLoaders:
    """DataLoaders over the train and valid parts, classes in the order of photos.vocab.

    tfms: what augment.transforms returns. test_dl and an exported learner use its fastai transforms.
    Shuffling draws from the random state at this call: seed before it.
    Raises DataError when a part is empty.
    """
    items = photos.items[photos.items["split"].isin(("train", "valid"))].reset_index(drop=True)
    count = int((items["split"] == "train").sum())
    if not 0 < count < len(items):
        what = "{folder}: the split leaves {count} {count:photo/photos} to train on, {others} to validate."
        raise DataError(what, folder=photos.root, count=count, others=len(items) - count)
    batch_size = min(section.batch_size, count)
    if batch_size < section.batch_size:
        log.info("loader.batch_size is %d here: there are no more training photos.", batch_size)
    items["file"] = photos.files(items)
    block = stock.block(photos, tfms.item, tfms.batch)
    dls = block.dataloaders(items, bs=batch_size, num_workers=section.workers, device=device.pick())
    if tfms.train is not None:
        dls.loaders = _over_kept(section, photos, dls, tfms)
    elif photos.on_unreadable == "skip":
        stock.skipping_unreadable(dls.train)
    if section.sampling == "balanced":
        stock.balance(dls.train)
    return dls


def sample(dls: DataLoaders, count: int = 9) -> tuple[list[np.ndarray], list[str]]:
    """Training photos as the model sees them, (height, width, 3) in 0..1, with their labels."""
    batch = dls.train.one_batch()
    decoded = dls.train.decode_batch(batch, max_n=count)
    # Decoding undoes IntToFloatTensor too: the values are 0 to 255 again.
    images = [np.asarray(image).transpose(1, 2, 0) / 255 for image, _ in decoded]
    return images, [str(label) for _, label in decoded]


def _over_kept(section: Loader, photos: Photos, dls: DataLoaders, tfms: Transforms) -> list[TfmdDL]:
    """Both loaders over kept photos, each in front of fastai's; validation photos may not be kept."""
    train, valid = photos.part("train"), photos.part("valid")
    threads = min(section.workers, share())
    small = presized(section, photos.files(train), tfms.train.presize)
    fused = FusedDL(dls.train, photos.numbers(train), small, threads, tfms.train)
    fused.skip = photos.on_unreadable == "skip"
    kept = finished(section, photos.files(valid), tfms)
    return [fused, FastDL(dls.valid, photos.numbers(valid), kept, threads) if kept else dls.valid]


def presized(section: Loader, train: list[Photo], presize: Presize) -> ByNumber:
    """Training photos, small, uint8: from the cache that the section asks for."""

    def make(row: int) -> np.ndarray:
        return presize(open_photo(train[row], presize.side))

    kind = _kind(section, train, presize)
    name = photo_cache.key(f"{presize.key} {kind}", [file.content for file in train])
    pack = photo_cache.stored(name, kind, len(train), make) if kind else None
    return pack or make


def finished(section: Loader, valid: list[Photo], tfms: Transforms) -> ByNumber | None:
    """Validation photos as the model sees them, float32, or None where they are not kept.

    tfms: what augment.transforms returns.
    """

    def make(row: int) -> np.ndarray:
        return tfms.steps(open_photo(valid[row])).transpose(1, 2, 0)

    size = len(valid) * 12 * tfms.steps.size**2
    if section.cache not in ("auto", "memmap") or size > min(cache.room(), _memory()):
        return None
    name = photo_cache.key(f"{tfms.key} float32 steps", [file.content for file in valid])
    return photo_cache.stored(name, "float32", len(valid), make)


def _kind(section: Loader, train: list[Photo], presize: Presize) -> str | None:
    """How training photos are kept: uint8 while that fits, else jpeg; None to keep none."""
    if section.cache != "auto":
        return {"memmap": "uint8", "jpeg": "jpeg", "none": None}[section.cache]
    total = 3 * sum(_pixels(file, presize) for file in train)
    return "uint8" if total < min(cache.room(), _memory()) else "jpeg"


def _pixels(file: Photo, presize: Presize) -> int:
    try:
        return math.prod(presize.shape(*photo_size(file)))
    except (OSError, ValueError):
        return 0  # not readable any more; training says so


def _memory() -> float:
    return SHARE_OF_MEMORY * psutil.virtual_memory().available


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
