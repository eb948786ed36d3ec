"""No token in an address: those end up in logs, histories and proxies (RFC 9700 section 4.3.2)."""

from urllib.parse import parse_qsl

from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.api.refusals import refuse
from gateway.domain.errors import InvalidArgument

NAMES = frozenset({"token", "access_token", "ticket"})


def without_tokens(app: ASGIApp) -> ASGIApp:
    """The app, never asked with a token in the query: such a request or handshake gets 400, even with a right one."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        name = _found(scope["query_string"])
        if name is None:
            await app(scope, receive, send)
        else:
            problem = f"the address has {name!r}: a token goes into the Authorization header only"
            await refuse(scope, send, InvalidArgument(problem))

    return wrapped


def _found(query: bytes) -> str | None:
    names = (name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else ()
    return next((name for name in names if name.lower() in NAMES), None)
