"""The answer to whoever opens the websocket's address like a page."""

from litestar import get
from litestar.exceptions import HTTPException


@get("/live", include_in_schema=False)
async def live_without_upgrade() -> None:
    """Nothing can be had here but the websocket."""
    raise HTTPException(
        status_code=426,
        detail="this address is a websocket: open it with ws:// or wss://, and a client for websockets",
        headers={"Connection": "Upgrade", "Upgrade": "websocket"},
    )
