"""The answer of a problem document outside Litestar's handlers: to requests, and to handshakes of websockets."""

from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.types import Scope

from gateway.api.errors import MEDIA_TYPE, headers_of, problem_of
from gateway.domain.errors import GatewayError

HANDSHAKE = "websocket.http.response"
POLICY_VIOLATION = 1008


async def refuse(scope: Scope, send: Any, error: GatewayError) -> None:
    """Answer with the error's problem document; a server that cannot do so in a handshake answers it with 403."""
    problem = problem_of(error)
    kind = "http.response"
    if scope["type"] == ScopeType.WEBSOCKET:
        kind = HANDSHAKE
        if HANDSHAKE not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": problem.code})
            return
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **headers_of(problem)}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": f"{kind}.start", "status": problem.status, "headers": raw})
    await send({"type": f"{kind}.body", "body": msgspec.json.encode(problem)})
