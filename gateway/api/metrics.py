"""The page for Prometheus: for this machine itself, or with the token of an admin (architecture 8).

Rules:

* From this machine is who connects from a loopback address, calls us by one, and brings nothing that a proxy adds:
  behind a proxy of this machine everybody has its address.
* It is served under any name, so a page elsewhere could have a browser on this machine ask for it under a name of its
  own (DNS rebinding): hence ``Host`` decides who is local. Tokens are sent by no browser of its own accord.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers.base import BaseRouteHandler
from litestar.params import SkipValidation

from gateway.api.guards import Connection, bearer_token, source_of
from gateway.domain.access import Role
from gateway.domain.errors import Forbidden, Unauthenticated
from gateway.domain.origins import is_this_machine
from gateway.domain.throttle import is_loopback
from gateway.services.auth import AuthService
from gateway.services.metrics import MEDIA_TYPE, Metrics

FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def is_local(connection: Connection) -> bool:
    """Whether the request was made on this machine, for all that can be seen of it."""
    return (
        is_loopback(source_of(connection))
        and is_this_machine(connection.headers.getall("host", []))
        and not any(name in connection.headers for name in FORWARDED)
    )


def local_or_admin(auth: AuthService | None) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """Lets this machine pass, and admins; without ``auth`` there are none."""

    async def require(connection: Connection, _handler: BaseRouteHandler) -> None:
        if is_local(connection):
            return
        token = bearer_token(connection)
        if token is None or auth is None:
            raise Unauthenticated(
                "metrics are for this machine itself, called by a loopback address and without a proxy, or for an"
                " admin: send the token as 'Authorization: Bearer …'"
            )
        login = await auth.whoami(token)
        if Role.admin.value not in login.scopes:
            raise Forbidden("metrics are for admins")

    return require


@get("/metrics", include_in_schema=False)
async def page(metrics: NamedDependency[SkipValidation[Metrics]]) -> Response[bytes]:
    return Response(metrics.page(), media_type=MEDIA_TYPE)
