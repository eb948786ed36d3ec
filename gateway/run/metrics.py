"""A port of its own for the figures of a process that serves nothing else."""

import socket

from gateway.app import create_metrics_app
from gateway.http import HttpLimits
from gateway.protocol.flow import Pace
from gateway.run.owner import Service
from gateway.server import make_server
from gateway.services.metrics import Metrics


def metrics_server(metrics: Metrics, listening: socket.socket) -> Service:
    """Serves ``/metrics`` on the socket until it is cancelled."""
    server = make_server(create_metrics_app(metrics), message_bytes=1_024, pace=Pace(), http=HttpLimits())

    async def serving() -> None:
        try:
            await server.serve(sockets=[listening])
        finally:
            await server.shutdown(sockets=[listening])

    return serving
