"""Pixels of the photos that are open at a time: those for which there is no room wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """So many pixels, of four to eight bytes each. A photo that has more gets all of it."""

    def __init__(self, most: int) -> None:
        self.most = self.free = most
        self.changed = asyncio.Condition()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Inside the block `size` pixels are one's own."""
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
