"""uvicorn, owned by us: signals belong to the root, so that clean-up after ``serve`` runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from litestar import Litestar

from gateway.domain.figures import Histogram
from gateway.http import HttpLimits, HttpProtocol
from gateway.protocol.flow import Pace
from gateway.websocket import FramesProtocol


class GatewayServer(uvicorn.Server):
    """A server that leaves signals to its owner; set ``should_exit`` to end it."""

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
