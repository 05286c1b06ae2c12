"""Memory that opened photos take together: those for which there is no room wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

BYTES_PER_PIXEL = 5
"""Pillow keeps RGB in four, beside what the file's own colours take."""


class Room:
    """So many bytes. One that is larger than all of it gets all of it."""

    def __init__(self, most: int) -> None:
        self.most = self.free = most
        self.changed = asyncio.Condition()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Inside the block `size` bytes are one's own."""
        size = min(size, self.most)
        async with self.changed:
            await self.changed.wait_for(lambda: self.free >= size)
            self.free -= size
        try:
            yield
        finally:
            self.free += size
            async with self.changed:
                self.changed.notify_all()
