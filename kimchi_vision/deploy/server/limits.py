"""What an upload may be: size, pixels, kind, how many a client may send, and how many are open at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

from PIL import Image
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kimchi_vision.data.decoding import FORMATS
from kimchi_vision.deploy.server.guard import Refusal

BODY_SECONDS = 60
"""Time for a request's body to arrive."""
UPLOADS = 16
"""Largest bodies that may be here at a time."""


@dataclass(frozen=True)
class Limits:
    """What is taken from one client.

    megabytes: of one request, 10^6 bytes. megapixels: of one photo, 10^6. photos: in one request.
    per_minute: requests of one address.
    """

    megabytes: float = 20
    megapixels: float = 64
    photos: int = 16
    per_minute: int = 600

    def check(self, file: BinaryIO, number: int) -> int:
        """Its pixels; refuses, before it is decoded, what is no photo or too large.

        number: its place in the request.
        """
        pixels, large = 0, False
        try:
            file.seek(0)
            pixels = prod(Image.open(file, formats=FORMATS).size)
            large = pixels > self.megapixels * 1e6
        except Image.DecompressionBombError:
            large = True
        except Exception:  # Pillow's readers raise many kinds of error on damaged files
            raise Refusal(
                "Photo {number} is not a picture that can be read. Send a JPEG, PNG or WebP file.",
                415,
                number=number,
            ) from None
        if large:
            raise Refusal(
                "Photo {number} has more than {most:g} megapixels.", 413, number=number, most=self.megapixels
            )
        return pixels


class BodyLimit:
    """Middleware that stops reading bodies: at a number of bytes, announced or not, and after some seconds.

    All bodies that are here at a time may have UPLOADS times as many bytes; above that clients come again.
    """

    def __init__(self, app: ASGIApp, megabytes: float) -> None:
        self.app = app
        self.bytes = int(megabytes * 1e6)
        self.here = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `receive` that counts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        seen, more, late = 0, True, time.monotonic() + BODY_SECONDS

        async def counted() -> Message:
            nonlocal seen, more
            try:
                message = await asyncio.wait_for(receive(), late - time.monotonic() if more else None)
            except (TimeoutError, asyncio.TimeoutError):  # two classes in Python 3.10
                raise Refusal("The upload took longer than {seconds} s.", 408, seconds=BODY_SECONDS) from None
            size, more = len(message.get("body", b"")), message.get("more_body", False)
            seen += size
            self.here += size
            if seen > self.bytes:
                raise Refusal("The upload is larger than {most:g} MB.", 413, most=self.bytes / 1e6)
            if self.here > UPLOADS * self.bytes:
                raise Refusal("Too many uploads at a time.", 503, {"Retry-After": "5"})
            return message

        try:
            await self.app(scope, counted, send)
        finally:
            self.here -= seen


class Room:
    """So many pixels of open photos, of four to eight bytes each: photos for which there is no room wait.

    A photo that has more gets all of it.
    """

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
