"""Logging in and out."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from gateway.api.connections import Connections
from gateway.api.errors import problems
from gateway.api.guards import current_login, origin_of, source_of
from gateway.domain.access import PASSWORD_CHARS, LoginName, Password, Role, check_device
from gateway.services.auth import AuthService

Auth = NamedDependency[SkipValidation[AuthService]]
All = NamedDependency[SkipValidation[Connections]]


class LoginRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[LoginName, msgspec.Meta(examples=["admin"])]
    password: Password


SetupToken = Annotated[str, msgspec.Meta(min_length=1, max_length=128, description="From the set-up link.")]


class SetupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: SetupToken
    password: Annotated[
        str,
        msgspec.Meta(description=f"{PASSWORD_CHARS[0]} to {PASSWORD_CHARS[1]} characters.", max_length=1024),
    ]


class SetupCheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: SetupToken


class UserAnswer(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(examples=["admin"])]
    role: Role


class LoginAnswer(msgspec.Struct, frozen=True):
    token: Annotated[str, msgspec.Meta(examples=["yJ0c9mYb3kq7wT2uVt4mXb1oQv8aZr5eLh6nPd0sKfU"])]
    token_type: Literal["Bearer"]
    expires_at: datetime
    user: UserAnswer


TicketDevice = Annotated[
    str,
    msgspec.Meta(
        description="The installation of an app, as in the message `auth`: its older websocket is closed. Without"
        " control characters.",
        examples=["phone-3f9a"],
        min_length=1,
        max_length=64,
    ),
]


class TicketRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: TicketDevice | None = None


class TicketAnswer(msgspec.Struct, frozen=True):
    ticket: Annotated[str, msgspec.Meta(examples=["Zr5eLh6nPd0sKfUyJ0c9mYb3kq7wT2uVt4mXb1oQv8a"])]
    expires_at: datetime


class MeAnswer(msgspec.Struct, frozen=True):
    name: str
    role: Role
    scopes: tuple[str, ...]
    expires_at: datetime


@post(
    "/auth/login",
    status_code=200,
    summary="Log in",
    description="Gives a token for 12 hours; send it as `Authorization: Bearer …`.",
    responses=problems(400, 401, 413, 429, 503),
    tags=["login"],
)
async def login(data: JSONBody[LoginRequest], request: Request[Any, Any, Any], auth: Auth) -> LoginAnswer:
    made = await auth.login(data.name, data.password, source_of(request), request.headers.get("user-agent", ""))
    user = UserAnswer(made.user.name, made.user.role)
    return LoginAnswer(made.token, "Bearer", moment(made.expires_at), user)


@post(
    "/auth/setup",
    status_code=204,
    summary="Choose the first password",
    description="With the token of the set-up link that the first start prints; works once, near the gateway only.",
    responses=problems(400, 401, 403, 409, 413, 429, 503),
    tags=["login"],
)
async def setup(data: JSONBody[SetupRequest], request: Request[Any, Any, Any], auth: Auth) -> None:
    await auth.setup(data.token, data.password, source_of(request))


@post(
    "/auth/setup/check",
    status_code=204,
    summary="Ask whether a set-up link still works",
    description="So that nobody chooses a password in vain: 401 says that it is used up or expired.",
    responses=problems(400, 401, 403, 413, 503),
    tags=["login"],
)
async def check_setup(data: JSONBody[SetupCheckRequest], request: Request[Any, Any, Any], auth: Auth) -> None:
    await auth.check_setup(data.token, source_of(request))


@post(
    "/auth/logout",
    status_code=204,
    summary="Log out",
    description="The token is worth nothing from here on. Its websockets are closed, in every process, within a"
    " second; within half a minute when the store does not answer.",
    responses=problems(401, 503),
    tags=["login"],
)
async def logout(request: Request[Any, Any, Any], auth: Auth, connections: All) -> None:
    login = current_login(request)
    await auth.logout(login)
    connections.end_login(login.token_id)


@post(
    "/auth/ticket",
    status_code=200,
    summary="Get a ticket for a websocket",
    description="For pages, whose scripts cannot send headers with a websocket: offer `gateway.ticket.<ticket>`"
    " beside the subprotocol `gateway.v1.json`. It is good once, for 20 seconds, for a page of the same origin as the"
    " one that got it, and only in a handshake, never in an address. The websocket lives as long as the login.",
    responses=problems(400, 401, 403, 413, 429, 503),
    tags=["login"],
)
async def ticket(
    request: Request[Any, Any, Any], auth: Auth, data: JSONBody[TicketRequest | None] = None
) -> TicketAnswer:
    device = None if data is None else data.device
    check_device(device)
    made = await auth.ticket(current_login(request), origin_of(request), device)
    return TicketAnswer(made.ticket, moment(made.expires_at))


@get("/me", summary="Who is logged in", responses=problems(401, 503), tags=["login"])
async def me(request: Request[Any, Any, Any]) -> MeAnswer:
    login = current_login(request)
    return MeAnswer(login.name, login.role, login.scopes, moment(login.expires_at))


def moment(epoch_s: float) -> datetime:
    """A time as REST tells it: RFC 3339, UTC."""
    return datetime.fromtimestamp(epoch_s, UTC)
