"""uvicorn, owned by us: signals belong to the root, so that clean-up after ``serve`` runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import uvicorn
from litestar import Litestar

from gateway.domain.figures import Histogram
from gateway.http import HttpLimits, HttpProtocol
from gateway.protocol.flow import Pace
from gateway.websocket import FramesProtocol

TICK_S = 1.0
FIRST = 0  # uvicorn's tenth ticks, of which this is one, set the date of answers


class GatewayServer(uvicorn.Server):
    """A server that leaves signals to its owner; set ``should_exit`` to end it.

    It wakes up once a second, for the date of its answers, where uvicorn looks ten times whether it is to end.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        self._is_to_exit = asyncio.Event()
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._is_to_exit.is_set()

    @should_exit.setter
    def should_exit(self, wanted: bool) -> None:
        if wanted:
            self._is_to_exit.set()
        else:
            self._is_to_exit.clear()

    async def main_loop(self) -> None:
        while not await self.on_tick(FIRST):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._is_to_exit.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_server(
    app: Litestar, *, message_bytes: int, pace: Pace, http: HttpLimits, lag: Histogram | None = None
) -> GatewayServer:
    """A server for the app; its websockets offer ``gateway.frames``.

    ``message_bytes`` is what a client's websocket message may have. Up to four times that a longer one is read and
    refused with the reason; beyond, the connection is closed (1009). ``lag`` is told how long pongs took, in seconds.
    """
    return GatewayServer(
        uvicorn.Config(
            app,
            http=partial(HttpProtocol, limits=http),  # type: ignore[arg-type]  # called like the class
            ws=partial(FramesProtocol, pace=pace, lag=lag or Histogram(())),  # type: ignore[arg-type]  # as above
            ws_max_size=4 * message_bytes,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            lifespan="off",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
