"""What an upload may be: its size, its pixels, its kind, and how many a client may send."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kimchi_vision.data.photo import FORMATS


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

    def check(self, content: bytes, number: int) -> None:
        """Refuse, before it is decoded, what is no photo or too large. number: its place in the request."""
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as photo:
                large = photo.width * photo.height > self.megapixels * 1e6
        except Image.DecompressionBombError:
            large = True
        except Exception:  # Pillow's readers raise many kinds of error on damaged files
            raise HTTPException(
                415, f"Photo {number} is not a picture that can be read. Send a JPEG, PNG or WebP file."
            ) from None
        if large:
            raise HTTPException(413, f"Photo {number} has more than {self.megapixels:g} megapixels.")


class BodyLimit:
    """Middleware that stops reading a request's body at a number of bytes, announced or not."""

    def __init__(self, app: ASGIApp, megabytes: float) -> None:
        self.app = app
        self.bytes = int(megabytes * 1e6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a `receive` that counts."""
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.bytes:
                raise HTTPException(413, f"The upload is larger than {self.bytes / 1e6:g} MB.")
            return message

        await self.app(scope, counted if scope["type"] == "http" else receive, send)
