"""A web server over exported models: a JSON API, and a page for people. No torch."""

import asyncio
import time
import warnings
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from kimchi_vision.config import mistakes
from kimchi_vision.deploy.predictor import Predictor
from kimchi_vision.deploy.runtime import BATCH
from kimchi_vision.deploy.server import about, api
from kimchi_vision.deploy.server.api import Service
from kimchi_vision.deploy.server.collect import Collection, Meters
from kimchi_vision.deploy.server.guard import Access, BodyLimit, Guard, Limits, Refusal, refused
from kimchi_vision.deploy.server.models import Batcher, Served, by_name, examples
from kimchi_vision.results.run import Run

__all__ = ["Access", "Collection", "Limits", "build", "listen"]

# The page is one file with its script and style inside; nothing is fetched from elsewhere.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src 'self' blob: data:",
}

HEADER_SECONDS = 10
"""Time for a connection to say what it wants."""
CONNECTIONS = 512
"""Open at a time; the next ones are told to come again."""


def build(
    sources: Sequence[Path],
    limits: Limits | None = None,
    collection: Collection | None = None,
    access: Access | None = None,
) -> FastAPI:
    """The application over run folders or model.onnx files, for uvicorn.

    collection: where uploads and answers are kept; None keeps nothing.
    access: who may ask; None is for a server that others guard.
    Raises InputError when there is no model, or two have one name.
    """
    warnings.filterwarnings("ignore", module="PIL")  # its words on odd uploads; clients get a sentence
    limits = limits or Limits()
    meters = Meters()
    served = by_name([_load(source, meters) for source in sources])
    app = FastAPIOffline(title="kimchi-vision", redoc_url=None)
    app.state.service = Service(served, limits, meters, collection)
    app.include_router(api.router)
    app.include_router(about.router)
    for kind in (HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _refused)
    app.add_middleware(BodyLimit, megabytes=limits.megabytes)
    app.middleware("http")(_measured)
    if access is not None:
        app.add_middleware(Guard, access=access)
    return app


def _load(source: Path, meters: Meters) -> Served:
    predictor, run = Predictor(source), Run(source)
    batcher = Batcher(predictor.classify, BATCH, meters.batch.observe)
    return Served(predictor.facts.experiment, predictor, batcher, examples(run), run)


async def _measured(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    response = await answer(request)
    # The route, not the path: a client could make up any number of paths.
    path = getattr(request.scope.get("route"), "path", "other")
    meters = request.app.state.service.meters
    meters.seconds.labels(path).observe(time.perf_counter() - started)
    meters.requests.labels(path, response.status_code).inc()
    response.headers.update(HEADERS)
    return response


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        wrong = error.errors()[0]
        key = next(part for part in reversed(wrong["loc"]) if isinstance(part, str))
        error = Refusal("`{key}`: {what}.", 422, key=key, what=mistakes.asked_for(wrong))
    assert isinstance(error, HTTPException)
    return refused(request.headers, error)


class Protocol(AutoHTTPProtocol):
    """Closes a connection that does not say what it wants."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._waiting: asyncio.TimerHandle | None = None
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on for the rest of a header, or no longer."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to wait for."""
        super().connection_lost(exc)
        self._stop()

    def _wait(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def listen(application: FastAPI, host: str, port: int, proxy: str | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    proxy: address of a reverse proxy, whose X-Forwarded-For says who asks; others' is not believed.
    """
    told = {"proxy_headers": proxy is not None, "forwarded_allow_ips": proxy or ""}
    kept = {"http": Protocol, "limit_concurrency": CONNECTIONS, "log_level": "warning"}
    uvicorn.run(application, host=host, port=port, **kept, **told)
