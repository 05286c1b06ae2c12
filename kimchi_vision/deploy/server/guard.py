"""Who may ask, with which token and from which page, what an upload may be, and how others are refused."""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import prod
from typing import BinaryIO
from urllib.parse import urlsplit

from PIL import Image
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kimchi_vision.base.messages import Language, catalogue
from kimchi_vision.base.sentence import Quoted, Sentence
from kimchi_vision.data.decoding import FORMATS

COOKIE = "kimchi_token"
BODY_SECONDS = 60
"""Time for a request's body to arrive."""
UPLOADS = 16
"""Largest bodies that may be here at a time."""


class Refusal(HTTPException):
    """template, values: as a Sentence takes them. status: of HTTP."""

    def __init__(
        self, template: str, /, status: int, headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(status, str(self.sentence), headers)


def preferred(asked: Mapping[str, str]) -> Language:
    """The language that a request's headers ask for."""
    return "ko" if asked.get("accept-language", "").lower().startswith("ko") else "en"


def refused(asked: Mapping[str, str], error: HTTPException) -> Response:
    """The answer to a request with these headers."""
    sentence = error.sentence if isinstance(error, Refusal) else Quoted(error.detail)
    said = sentence.said(catalogue(preferred(asked)))
    return JSONResponse({"error": said}, error.status_code, error.headers)


@dataclass(frozen=True)
class Access:
    """Who may ask.

    hosts: names under which the server is asked, beside localhost and addresses in numbers. A page elsewhere
    can have its own name point here (DNS rebinding), but not one of these.
    token: what every request but /health must bring; None asks for nothing.
    """

    hosts: tuple[str, ...] = ()
    token: str | None = None


class Guard:
    """Middleware that lets a request pass which `access` allows, and answers the others itself."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        request = HTTPConnection(scope)
        headers, host = request.headers, request.headers.get("host", "")
        if not self._is_ours(host):
            name = "This server is not asked under this name. Start it with --host-name NAME."
            return refused(headers, Refusal(name, 403))
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and _from_elsewhere(headers, host):
            return refused(headers, Refusal("Another site's page may not send photos here.", 403))
        if self.access.token is None or scope["path"] == "/health":
            return None
        return self._without_token(request)

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:  # brackets that do not close
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name == "localhost" or name in (known.lower() for known in self.access.hosts)
        return True

    def _without_token(self, request: HTTPConnection) -> Response | None:
        """None for a request with the token: in a header, in the page's cookie, or once in its address."""
        asked = request.query_params.get("token", "")
        if self._is_token(asked) and request.scope["method"] == "GET":
            # So that the token does not stay in the address.
            page = RedirectResponse(request.scope["path"], 303)
            page.set_cookie(COOKIE, asked, httponly=True, samesite="strict")
            return page
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(bearer) or self._is_token(request.cookies.get(COOKIE, "")):
            return None
        token = "The token is missing: `Authorization: Bearer TOKEN`, or ?token=TOKEN in a browser."
        return refused(request.headers, Refusal(token, 401, {"WWW-Authenticate": "Bearer"}))

    def _is_token(self, given: str) -> bool:
        return bool(given) and hmac.compare_digest(given.encode(), (self.access.token or "").encode())


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether a browser says that another site's page sends this; other programs say nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()


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
