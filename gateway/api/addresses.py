"""No token in an address: those end up in logs, histories and proxies (RFC 9700 section 4.3.2)."""

from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.api.errors import MEDIA_TYPE, problem_of
from gateway.domain.errors import InvalidArgument

NAMES = frozenset({"token", "access_token", "ticket"})
HANDSHAKE = "websocket.http.response"


def without_tokens(app: ASGIApp) -> ASGIApp:
    """The app, never asked with a token in the query: such a request or handshake gets 400, even with a right one."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        name = _found(scope["query_string"])
        if name is None:
            await app(scope, receive, send)
        else:
            problem = f"the address has {name!r}: a token goes into the Authorization header only"
            await _refuse(scope, cast("Any", send), InvalidArgument(problem))

    return wrapped


def _found(query: bytes) -> str | None:
    names = (name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else ()
    return next((name for name in names if name.lower() in NAMES), None)


async def _refuse(scope: Scope, send: Any, error: InvalidArgument) -> None:
    kind = "http.response"
    if scope["type"] == ScopeType.WEBSOCKET:
        kind = HANDSHAKE
        if HANDSHAKE not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": error.code})
            return
    problem = problem_of(error)
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    await send({"type": f"{kind}.start", "status": problem.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": msgspec.json.encode(problem)})
