"""The answer to whoever opens the websocket's address like a page, or a page's like a websocket."""

from litestar import get
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.api.refusals import refuse
from gateway.domain.errors import NotFound


@get("/live", include_in_schema=False)
async def live_without_upgrade() -> None:
    """Nothing can be had here but the websocket."""
    raise HTTPException(
        status_code=426,
        detail="this address is a websocket: open it with ws:// or wss://, and a client for websockets",
        headers={"Connection": "Upgrade", "Upgrade": "websocket"},
    )


def websockets_only_at(app: ASGIApp, path: str) -> ASGIApp:
    """The app; a websocket's handshake at any other address gets 404."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET and scope["path"] != path:
            await refuse(scope, send, NotFound(f"there is no websocket here; it is at {path}"))
        else:
            await app(scope, receive, send)

    return wrapped
