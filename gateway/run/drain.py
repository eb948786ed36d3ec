"""The end of a web process, so that nobody notices more than a moment.

Rules, in this order:

* Not ready any more: load balancers send nobody new. The socket still listens, so that they can hear it; requests are
  still answered, a websocket's handshake is refused (503).
* Each websocket is told ``drain``, and they are closed one by one, spread evenly over the time given. Whoever
  moves earlier, does.
* The server stops listening, and ends when the requests under way are answered.
* In a hurry (``at_once``) all are closed together, and given a moment to hear it.
"""

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.api.connections import Connections
from gateway.server import GatewayServer
from gateway.services.readiness import Readiness

CLOSE_WITHIN_S = 5.0
HURRIED_S = 1.0
LOOK_AGAIN_S = 0.05


async def drain(
    server: GatewayServer,
    connections: Connections,
    readiness: Readiness,
    within_s: float,
    at_once: asyncio.Event,
) -> None:
    """Send all websockets away; returns when the server may end."""
    readiness.draining = True
    await connections.drain(within_s, at_once)
    await connections.gone(HURRIED_S if at_once.is_set() else CLOSE_WITHIN_S)
    # a socket closed while something of the client's is still unread may take our close frame with it
    for _ in range(int(CLOSE_WITHIN_S / LOOK_AGAIN_S)):  # uvicorn's set of connections tells nobody when it changes
        sockets = (isinstance(one, WebSocketsSansIOProtocol) for one in server.server_state.connections)
        if at_once.is_set() or not any(sockets):
            return
        await asyncio.sleep(LOOK_AGAIN_S)
