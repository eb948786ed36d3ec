"""Who somebody is: logins, logouts, and how the first user gets a password.

Rules:

* A token is 256 random bits; the database holds its SHA-256 only, and no log line or URL ever holds it. The set-up
  link carries its token behind the ``#``, which browsers send to nobody.
* A wrong name and a wrong password get the same answer, after the same work.
* A ticket stands for a login for ``ticket_s``, once, and for the page that it was made for. Whoever shows it uses it
  up, rightly or not.
* Until somebody has a password, each call of ``ensure_admin`` makes a new set-up link and ends the older ones. The
  link works once, for ``setup_s``, and only from this machine or its local network.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db import accounts, tickets
from gateway.db.engine import Database
from gateway.domain.access import (
    PASSWORD_CHARS,
    Login,
    Redeemed,
    Role,
    Ticket,
    TokenKind,
    User,
    check_new_password,
    normal_name,
    scopes_of,
)
from gateway.domain.clock import Clock
from gateway.domain.errors import (
    BadCredentials,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    InvalidArgument,
    RateLimited,
    SettingsError,
    Unauthenticated,
    Unavailable,
)
from gateway.domain.throttle import Throttle, is_near
from gateway.services.passwords import Passwords
from gateway.services.together import Together

ADMIN = "admin"
MAX_TOKEN_CHARS = 128
MAX_LABEL_CHARS = 200
MOST_TICKETS = 20


class AuthTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long things hold, in seconds."""

    login_s: float = 12 * 3600
    setup_s: float = 3600
    ticket_s: float = 20
    remember_expired_s: float = 30 * 86_400
    note_use_every_s: float = 300
    look_together_s: float = 0.5


class NewLogin(msgspec.Struct, frozen=True):
    """A login just made; the only time its token is seen."""

    token: str
    user: User
    expires_at: float


class NewTicket(msgspec.Struct, frozen=True):
    """A ticket just made; the only time it is seen."""

    ticket: str
    expires_at: float


class SetupToken(msgspec.Struct, frozen=True):
    """What the first user needs to choose a password."""

    token: str
    expires_at: float

    def link(self, base_url: str) -> str:
        """The address to open, for the one who reads the terminal."""
        return f"{base_url.rstrip('/')}/#setup={self.token}"


class AuthService:
    """Every method that asks the database raises DatabaseUnavailable when it is out of reach."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        passwords: Passwords,
        throttle: Throttle,
        *,
        times: AuthTimes,
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords
        self._throttle = throttle
        self._times = times
        self._new_token = new_token
        self._together = Together(self._that_hold, times.look_together_s)

    async def login(self, name: str, password: str, source: str, label: str = "") -> NewLogin:
        """Log in from the address ``source``; raises BadCredentials, or RateLimited after too many of them."""
        normal = normal_name(name)
        self._throttle.attempt(normal, source, self._clock.monotonic())
        try:
            user, stored = await self._verified(normal, password)
        except (Unavailable, RateLimited):
            self._throttle.abandoned(normal, source)
            raise
        self._throttle.succeeded(normal, source)
        new = await self._passwords.hash(password) if self._passwords.outdated(stored) else None
        async with self._database.writing() as connection:
            if new is not None:
                await accounts.set_password_hash(connection, user.id, stored, new)
            await accounts.forget_tokens(connection, self._clock.now() - self._times.remember_expired_s)
            expires_at = self._clock.now() + self._times.login_s
            token = await self._issue(connection, user, TokenKind.login, expires_at, label)
        return NewLogin(token, user, expires_at)

    async def logout(self, login: Login) -> None:
        """End the login; its token is worth nothing from here on."""
        async with self._database.writing() as connection:
            await accounts.revoke_token(connection, login.token_id, self._clock.now())

    async def whoami(self, token: str) -> Login:
        """The login that the token stands for; raises Unauthenticated."""
        login = await self._known(token, TokenKind.login)
        if login is None:
            raise Unauthenticated("the token is unknown, expired or revoked; log in again")
        return login

    async def ticket(self, login: Login, origin: str | None, device: str | None) -> NewTicket:
        """A ticket for the login, for the page ``origin``; raises RateLimited when it has too many unused ones."""
        ticket, now = self._new_token(), self._clock.now()
        expires_at = min(now + self._times.ticket_s, login.expires_at)
        made = Ticket(token_id=login.token_id, origin=origin, device=device, expires_at=expires_at)
        async with self._database.writing() as connection:
            if await tickets.count_tickets(connection, login.token_id, now) >= MOST_TICKETS:
                problem = f"a login has at most {MOST_TICKETS} unused tickets"
                raise RateLimited(problem, scope="tickets", retry_after_s=self._times.ticket_s)
            await tickets.add_ticket(connection, digest_of(ticket), made)
        return NewTicket(ticket, expires_at)

    async def redeem(self, ticket: str, origin: str | None) -> Redeemed:
        """The login that the ticket stands for; raises Unauthenticated. The ticket is used up."""
        now = self._clock.now()
        if 0 < len(ticket) <= MAX_TOKEN_CHARS:
            async with self._database.writing() as connection:
                found = await tickets.take_ticket(connection, digest_of(ticket))
                if found is not None and found.expires_at > now and found.origin == origin:
                    login = await accounts.login_by_id(connection, found.token_id, now)
                    if login is not None:
                        return Redeemed(login, found.device)
        raise Unauthenticated("the ticket is unknown, used, expired or made for another page; get a new one")

    async def still_valid(self, login: Login) -> bool:
        """Whether nobody has ended the login, in this process or another. Its expiry is written in itself.

        Takes a moment: all who want to know within ``look_together_s`` are one question. Raises DatabaseUnavailable.
        """
        return await self._together.holds(login.token_id)

    async def _that_hold(self, token_ids: frozenset[int]) -> frozenset[int]:
        async with self._database.reading() as connection:
            return await accounts.tokens_that_hold(connection, token_ids)

    async def ensure_admin(self, password: str | None) -> SetupToken | None:
        """Make sure that somebody can log in or be set up; call it once at each start, after ``migrate``.

        Creates the user ``admin`` in an empty table. ``password`` counts only until the first user has one (raises
        SettingsError when it is too short or too long). Answers the way to set one, when there is none.
        """
        chosen = None if password is None else _checked_setting(password)
        async with self._database.reading() as connection:
            admin = await accounts.user_by_name(connection, ADMIN)
            if admin is None and await accounts.count_users(connection):
                return None
        if admin is not None and admin.password_hash is not None:
            return None
        stored = None if chosen is None else await self._passwords.hash(chosen)
        try:
            return await self._prepare_admin(stored)
        except Conflict:
            # another process that starts at this moment was faster; now its user is there
            return await self._prepare_admin(stored)

    async def check_setup(self, token: str, source: str) -> Login:
        """Whether the set-up link still works; raises Forbidden or BadCredentials."""
        if not is_near(source):
            raise Forbidden("the set-up link works only on the machine itself and in its local network")
        pending = await self._known(token, TokenKind.setup)
        if pending is None:
            raise BadCredentials(
                "the set-up link is used up or expired; log in, or, if no password was chosen yet, start the gateway"
                " again: it prints a new one"
            )
        return pending

    async def setup(self, token: str, password: str, source: str) -> None:
        """Give the first user a password; raises Forbidden, InvalidArgument, BadCredentials or Conflict."""
        pending = await self.check_setup(token, source)
        normal = check_new_password(password)
        stored = await self._passwords.hash(normal)
        now = self._clock.now()
        async with self._database.writing() as connection:
            unused = await accounts.revoke_token(connection, pending.token_id, now)
            if not unused or not await accounts.set_password_hash(connection, pending.user_id, None, stored):
                raise Conflict("somebody has set the password already; log in with it")
            await accounts.revoke_tokens(connection, pending.user_id, TokenKind.setup, now)

    async def _verified(self, name: str, password: str) -> tuple[User, str]:
        async with self._database.reading() as connection:
            user = await accounts.user_by_name(connection, name)
        stored = user.password_hash if user is not None and user.disabled_at is None else None
        right = await self._passwords.verify(stored, password)
        if user is None or stored is None or not right:
            raise BadCredentials("the name or the password is wrong")
        return user, stored

    async def _prepare_admin(self, stored: str | None) -> SetupToken | None:
        now = self._clock.now()
        async with self._database.writing() as connection:
            admin = await accounts.user_by_name(connection, ADMIN) or await accounts.add_user(
                connection, name=ADMIN, role=Role.admin, password_hash=None, created_at=now
            )
            if admin.password_hash is not None:
                return None
            await accounts.revoke_tokens(connection, admin.id, TokenKind.setup, now)
            if stored is not None:
                await accounts.set_password_hash(connection, admin.id, None, stored)
                return None
            expires_at = now + self._times.setup_s
            token = await self._issue(connection, admin, TokenKind.setup, expires_at, "first start")
            return SetupToken(token, expires_at)

    async def _issue(
        self, connection: AsyncConnection, user: User, kind: TokenKind, expires_at: float, label: str
    ) -> str:
        token = self._new_token()
        await accounts.add_token(
            connection,
            user_id=user.id,
            kind=kind,
            digest=digest_of(token),
            scopes=scopes_of(user.role) if kind is TokenKind.login else (),
            label=label[:MAX_LABEL_CHARS],
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        return token

    async def _known(self, token: str, kind: TokenKind) -> Login | None:
        if not token or len(token) > MAX_TOKEN_CHARS:
            return None
        now = self._clock.now()
        async with self._database.reading() as connection:
            login = await accounts.login_by_digest(connection, kind, digest_of(token), now)
        if login is not None and now - (login.last_used_at or 0.0) >= self._times.note_use_every_s:
            # a note and no more: a token that can be read is as good without it
            with contextlib.suppress(DatabaseUnavailable):
                async with self._database.writing() as connection:
                    await accounts.touch_token(connection, login.token_id, now)
        return login


def digest_of(token: str) -> str:
    """What the database knows of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _checked_setting(password: str) -> str:
    try:
        return check_new_password(password)
    except InvalidArgument as error:
        least, most = PASSWORD_CHARS
        raise SettingsError(f"GATEWAY_ADMIN_PASSWORD: allowed are {least} to {most} characters") from error
