"""Photos of several requests go through the network together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

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
