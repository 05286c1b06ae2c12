"""uvicorn, with an end to its waiting for requests that are sent by halves, and to how many there are."""

import asyncio

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEADER_SECONDS = 10
"""Time for a connection to say what it wants."""
CONNECTIONS = 512
"""Open at a time; the next ones are told to come again."""


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


def run(application: FastAPI, host: str, port: int, proxy: str | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    proxy: address of a reverse proxy, whose X-Forwarded-For says who asks; others' is not believed.
    """
    told = {"proxy_headers": proxy is not None, "forwarded_allow_ips": proxy or ""}
    kept = {"http": Protocol, "limit_concurrency": CONNECTIONS, "log_level": "warning"}
    uvicorn.run(application, host=host, port=port, **kept, **told)
