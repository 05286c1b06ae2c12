"""Who may ask, by whose name, from which page and with which token; and how others are refused."""

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kimchi_vision.base.messages import catalogue
from kimchi_vision.base.sentence import Sentence, Text

COOKIE = "kimchi_token"


class Refusal(HTTPException):
    """template, values: as a Sentence takes them. status: of HTTP."""

    def __init__(
        self, template: str, /, status: int, headers: Mapping[str, str] | None = None, **values: object
    ) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(status, str(self.sentence), headers)

    def said(self, request: Mapping[str, str]) -> str:
        """The sentence. request: its headers."""
        return self.sentence.said(preferred(request))


def preferred(request: Mapping[str, str]) -> Text:
    """The language that a request's headers ask for."""
    asked = request.get("accept-language", "").lower()
    return catalogue("ko" if asked.startswith("ko") else "en")


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
            return _answer(Refusal(name, 403), headers)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and _from_elsewhere(headers, host):
            return _answer(Refusal("Another site's page may not send photos here.", 403), headers)
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
        return _answer(Refusal(token, 401, {"WWW-Authenticate": "Bearer"}), request.headers)

    def _is_token(self, given: str) -> bool:
        return bool(given) and hmac.compare_digest(given.encode(), (self.access.token or "").encode())


def _from_elsewhere(headers: Headers, host: str) -> bool:
    """Whether a browser says that another site's page sends this; other programs say nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()


def _answer(refusal: Refusal, headers: Headers) -> Response:
    return JSONResponse({"error": refusal.said(headers)}, refusal.status_code, refusal.headers)
