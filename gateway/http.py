"""uvicorn's HTTP protocol, which waits for ever for nobody.

Rules:

* A request has arrived whole ``request_s`` after it began, the first one after the connection was opened; else the
  connection is closed (408, if anything came). uvicorn ends idle connections between two requests.
* Of what is not body, ``head_bytes`` at most may come without completing anything: line and headers (431), and
  whatever else HTTP/1.1 allows between chunks and behind them.
* A client that takes nothing of its answer for ``request_s`` is cut off.
* When the server ends, whoever has begun to ask has ``ENDING_S`` to finish.
* The application is not hurried: nothing counts while it is the one who is waited for.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

LOOKS = 4  # in ``request_s``
ENDING_S = 2.0  # within uvicorn's grace for connections


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may take; see the rules above."""

    head_bytes: int = 32_768
    request_s: float = 20.0


class HttpProtocol(HttpToolsProtocol):
    """One connection; ``limits`` are bound by whoever makes the server."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: HttpLimits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._head_bytes = 0
        self._untaken_bytes = 0
        self._taken_at_s = 0.0
        self._awaited_since_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._awaited_since_s = self._taken_at_s = self.loop.time()
        self._look_again()

    def data_received(self, data: bytes) -> None:
        if self._awaited_since_s is None and (self.cycle is None or self.cycle.response_complete):
            self._awaited_since_s = self.loop.time()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > self._limits.head_bytes:
            problem = f"line and headers have at most {self._limits.head_bytes} bytes"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, problem)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._awaited_since_s = self.loop.time()

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        self._awaited_since_s = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_looking()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        super().shutdown()
        if self._awaited_since_s is not None and not self.transport.is_closing():
            self.loop.call_later(ENDING_S, self._give_up)

    def resume_writing(self) -> None:
        self._taken_at_s = self.loop.time()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_looking()
        super().connection_lost(exc)

    def _look_again(self) -> None:
        self._timer = self.loop.call_later(self._limits.request_s / LOOKS, self._look)

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._look_again()
        now_s, untaken_bytes = self.loop.time(), self.transport.get_write_buffer_size()
        if untaken_bytes == 0 or untaken_bytes < self._untaken_bytes:
            self._taken_at_s = now_s
        self._untaken_bytes = untaken_bytes
        if now_s - self._taken_at_s >= self._limits.request_s:
            self.transport.abort()
        elif self._awaited_since_s is not None and now_s - self._awaited_since_s >= self._limits.request_s:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"a request arrives within {self._limits.request_s:g} s")

    def _give_up(self) -> None:
        if self._awaited_since_s is not None:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, problem: str) -> None:
        """Answer if anything was asked and no other answer is under way, and close."""
        if self.transport.is_closing():
            return
        if self._head_bytes and (self.cycle is None or self.cycle.response_complete):
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            body = f"{problem}\n"
            self.transport.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        self.transport.close()
