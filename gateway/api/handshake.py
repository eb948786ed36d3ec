"""What is looked at before a websocket opens: the subprotocol, and who it is, if the handshake says so.

``Host`` and ``Origin`` were judged before (``hosts.py``), and so was a token in the address (``addresses.py``).
"""

from typing import Any, Protocol

import msgspec
from litestar import WebSocket

from gateway.api.guards import bearer_token, origin_of
from gateway.domain.access import Login, Redeemed
from gateway.domain.errors import InvalidArgument
from gateway.protocol.messages import SUBPROTOCOL, TICKET_PREFIX

Socket = WebSocket[Any, Any, Any]


class Logins(Protocol):
    """Who may come in, and who may stay; all ask the database."""

    async def whoami(self, token: str) -> Login: ...

    async def redeem(self, ticket: str, origin: str | None) -> Redeemed: ...

    async def still_valid(self, login: Login) -> bool: ...


class Visitor(msgspec.Struct, frozen=True):
    """Whom the handshake brought: ``login`` None: that is still to be said."""

    subprotocol: str | None
    login: Login | None = None
    device: str | None = None


async def visitor_of(socket: Socket, logins: Logins) -> Visitor:
    """Judge a handshake; raises InvalidArgument, Unauthenticated and what asking the database raises."""
    offered = socket.scope["subprotocols"]
    if offered and SUBPROTOCOL not in offered:
        raise InvalidArgument(f"offer the subprotocol {SUBPROTOCOL}, or none")
    tickets = [one.removeprefix(TICKET_PREFIX) for one in offered if one.startswith(TICKET_PREFIX)]
    token = bearer_token(socket)
    if len(tickets) + (token is not None) > 1:
        raise InvalidArgument("say once who you are: by one ticket, or by the Authorization header")
    subprotocol = SUBPROTOCOL if offered else None
    if tickets:
        redeemed = await logins.redeem(tickets[0], origin_of(socket))
        return Visitor(subprotocol, redeemed.login, redeemed.device)
    return Visitor(subprotocol, None if token is None else await logins.whoami(token))
