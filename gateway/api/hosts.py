"""Nobody is served under a name that is not ours, nor at the wish of somebody else's page."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.api.refusals import refuse
from gateway.domain.errors import GatewayError
from gateway.domain.origins import Origins

# probes call us by whatever address the container has today, and learn nothing from it; metrics look at it themselves
UNDER_ANY_NAME = frozenset({"/health/live", "/health/ready", "/metrics"})
# what a page may load from anywhere; its answer is for the page only if the browser finds that the origin is the same
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def only_known_hosts(app: ASGIApp, origins: Origins) -> ASGIApp:
    """The app, asked only with a right ``Host``, and for websockets and all but reading with a right ``Origin``."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in UNDER_ANY_NAME:
            hosts = _headers(scope, b"host")
            try:
                origins.check_host(hosts)
                if scope["type"] == ScopeType.WEBSOCKET or scope["method"] not in READING:
                    origins.check_origin(_headers(scope, b"origin"), hosts)
            except GatewayError as error:
                await refuse(scope, send, error)
                return
        await app(scope, receive, send)

    return wrapped


def _headers(scope: Scope, wanted: bytes) -> list[str]:
    return [content.decode("latin-1") for name, content in scope["headers"] if name.lower() == wanted]
