"""The models that are served, each with its example photos, and photos of several requests in one batch."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kimchi_vision.base.errors import InputError
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.results.run import Run

EXAMPLES = 6
Item = tuple[np.ndarray, "asyncio.Future[np.ndarray]"]


class Batcher:
    """Collects what arrives while the network is busy, and sends it through in one batch.

    Nobody waits for a batch to fill: an idle network starts at once.
    classify: prepared photos to rows of probabilities; runs in one thread of its own.
    size: largest batch. seen: told the size of each batch.
    """

    def __init__(
        self, classify: Callable[[list[np.ndarray]], np.ndarray], size: int, seen: Callable[[int], None]
    ) -> None:
        self._classify, self._size, self._seen = classify, size, seen
        self._waiting: list[Item] = []
        self._busy = False
        self._thread = ThreadPoolExecutor(1, "network")

    async def __call__(self, prepared: np.ndarray) -> np.ndarray:
        """Probabilities of one prepared photo."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[np.ndarray] = loop.create_future()
        self._waiting.append((prepared, future))
        if not self._busy:
            self._busy = True
            # The task is kept by the loop's own reference through the future that the caller awaits.
            self._task = loop.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                self._seen(len(batch))
                try:
                    inputs = [prepared for prepared, _ in batch]
                    rows = await loop.run_in_executor(self._thread, self._classify, inputs)
                except Exception as error:
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for (_, future), row in zip(batch, rows, strict=True):
                    if not future.done():  # its client may have gone
                        future.set_result(row)
        finally:
            self._busy = False


@dataclass(frozen=True)
class Served:
    """One model under its name."""

    name: str
    predictor: Predictor
    batcher: Batcher
    examples: tuple[tuple[Path, str], ...]
    run: Run


def examples(run: Run) -> tuple[tuple[Path, str], ...]:
    """A few validation photos with their labels, as many classes as possible; none when they are gone."""
    if not (run.files.items.is_file() and run.files.data.is_file()):
        return ()
    root, items = run.photos.root, run.items
    valid = items[items["split"] == "valid"].assign(turn=lambda table: table.groupby("label").cumcount())
    rows = valid.sort_values(["turn", "label"], kind="stable").head(EXAMPLES)
    found = [(root / path, label) for path, label in zip(rows["path"], rows["label"], strict=True)]
    return tuple((file, label) for file, label in found if file.is_file())


def by_name(models: Sequence[Served]) -> dict[str, Served]:
    """Models under their names. Raises InputError when two have one name."""
    named = {model.name: model for model in models}
    if len(named) < len(models):
        names = ", ".join(model.name for model in models)
        what = "Two models have one name: {names}. Serve one of them, or name the experiments apart."
        raise InputError(what, names=names)
    return named
