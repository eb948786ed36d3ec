"""Who may pass: the checks that stand before handlers."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from gateway.domain.access import Login
from gateway.domain.errors import Unauthenticated
from gateway.services.auth import AuthService

Connection = ASGIConnection[Any, Any, Any, Any]


def bearer_token(connection: Connection) -> str | None:
    """The token of the Authorization header (RFC 6750 section 2.1), if there is one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None


def origin_of(connection: Connection) -> str | None:
    """The page that asks, as its browser says; None: a program."""
    origin = connection.headers.get("origin")
    return None if origin is None else origin.lower()


def source_of(connection: Connection) -> str:
    """The address the connection comes from; empty over a unix socket."""
    return connection.client.host if connection.client else ""


def bearer_guard(auth: AuthService) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """Lets logins pass and leaves them in ``connection.auth``."""

    async def require_login(connection: Connection, _handler: BaseRouteHandler) -> None:
        token = bearer_token(connection)
        if token is None:
            raise Unauthenticated("log in, and send the token as 'Authorization: Bearer …'")
        connection.scope["auth"] = await auth.whoami(token)

    return require_login


def current_login(connection: Connection) -> Login:
    """The login that the guard let pass."""
    login = connection.auth
    assert isinstance(login, Login)
    return login
