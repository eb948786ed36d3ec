"""Who may use the gateway: users, their logins, and what each may do."""

import unicodedata
from enum import Enum
from typing import Annotated

import msgspec

from gateway.domain.errors import InvalidArgument

MAX_NAME_CHARS = 64
PASSWORD_CHARS = (8, 256)
STEERING = frozenset({"Cc", "Zl", "Zp"})  # of Unicode: control characters, separators of lines and paragraphs

LoginName = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=PASSWORD_CHARS[1])]


class Role(Enum):
    """What a user is; more will come with grants."""

    admin = "admin"


class TokenKind(Enum):
    """What a token is for; it is accepted for nothing else."""

    login = "login"
    setup = "setup"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person. Without ``password_hash`` the user has yet to be set up and cannot log in. Times: epoch seconds."""

    id: int
    name: str
    role: Role
    password_hash: str | None = None
    created_at: float
    disabled_at: float | None = None


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A user as one device holds him: what a token that was looked up stands for."""

    token_id: int
    user_id: int
    name: str
    role: Role
    scopes: tuple[str, ...]
    expires_at: float
    last_used_at: float | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Opens one websocket for the login ``token_id``, from the page ``origin`` (None: for a program)."""

    token_id: int
    origin: str | None
    device: str | None
    expires_at: float


class Redeemed(msgspec.Struct, frozen=True):
    """Whom a one-time ticket stood for, and on which device."""

    login: Login
    device: str | None = None


def scopes_of(role: Role) -> tuple[str, ...]:
    """What a login of that role may do."""
    return (role.value,)


def normal_name(name: str) -> str:
    """The one form in which a login name is stored and looked up, so that Anna and anna are one person."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def normal_password(password: str) -> str:
    """One form whatever the keyboard composed (RFC 8265 section 4.2.1, without its mapping of spaces)."""
    return unicodedata.normalize("NFC", password)


def check_new_password(password: str) -> str:
    """The password in its normal form; raises InvalidArgument when it is too short or too long."""
    normal = normal_password(password)
    least, most = PASSWORD_CHARS
    if not least <= len(normal) <= most:
        raise InvalidArgument(f"a password has {least} to {most} characters, this one {len(normal)}")
    return normal


def device_problem(device: str | None) -> str | None:
    """What is wrong with the name of an installation: it must break no line and steer no terminal."""
    if device is None or not any(unicodedata.category(one) in STEERING for one in device):
        return None
    return f"device: control characters and line breaks are not allowed, got {device!r}"


def check_device(device: str | None) -> None:
    """Refuse such a name: InvalidArgument."""
    if problem := device_problem(device):
        raise InvalidArgument(problem)
