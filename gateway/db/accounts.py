"""Queries about users and tokens: connection in, domain records out."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.models import TokenRow, UserRow
from gateway.domain.access import Login, Role, TokenKind, User
from gateway.domain.errors import Conflict

USER = (
    UserRow.id,
    UserRow.name,
    UserRow.role,
    UserRow.password_hash,
    UserRow.created_at,
    UserRow.disabled_at,
)
UNENDED = (TokenRow.revoked_at.is_(None), UserRow.disabled_at.is_(None))


async def count_users(connection: AsyncConnection) -> int:
    return await connection.scalar(select(func.count()).select_from(UserRow)) or 0


async def add_user(
    connection: AsyncConnection, *, name: str, role: Role, password_hash: str | None, created_at: float
) -> User:
    """Add a user; raises Conflict when the name is taken."""
    try:
        done = await connection.execute(
            insert(UserRow).values(name=name, role=role.value, password_hash=password_hash, created_at=created_at)
        )
    except IntegrityError as error:
        raise Conflict(f"there is a user {name!r} already") from error
    key = done.inserted_primary_key
    assert key is not None
    return User(id=key[0], name=name, role=role, password_hash=password_hash, created_at=created_at)


async def user_by_name(connection: AsyncConnection, name: str) -> User | None:
    row = (await connection.execute(select(*USER).where(UserRow.name == name))).one_or_none()
    if row is None:
        return None
    user_id, name, role, password_hash, created_at, disabled_at = row
    return User(
        id=user_id,
        name=name,
        role=Role(role),
        password_hash=password_hash,
        created_at=created_at,
        disabled_at=disabled_at,
    )


async def set_password_hash(connection: AsyncConnection, user_id: int, old: str | None, new: str) -> bool:
    """Replace ``old`` by ``new``; False when another request was faster."""
    same = UserRow.password_hash.is_(None) if old is None else UserRow.password_hash == old
    done = await connection.execute(update(UserRow).where(UserRow.id == user_id, same).values(password_hash=new))
    return done.rowcount == 1


async def add_token(
    connection: AsyncConnection,
    *,
    user_id: int,
    kind: TokenKind,
    digest: str,
    scopes: tuple[str, ...],
    label: str,
    created_at: float,
    expires_at: float,
) -> int:
    """Add a token; its id."""
    done = await connection.execute(
        insert(TokenRow).values(
            user_id=user_id,
            kind=kind.value,
            digest=digest,
            scopes=" ".join(scopes),
            label=label,
            created_at=created_at,
            expires_at=expires_at,
        )
    )
    key = done.inserted_primary_key
    assert key is not None
    return int(key[0])


async def login_by_digest(connection: AsyncConnection, kind: TokenKind, digest: str, now: float) -> Login | None:
    """The valid token of that kind, of a user who is not disabled."""
    return await _login(connection, TokenRow.digest == digest, TokenRow.kind == kind.value, TokenRow.expires_at > now)


async def login_by_id(connection: AsyncConnection, token_id: int, now: float) -> Login | None:
    """The valid login, of a user who is not disabled."""
    is_login = TokenRow.kind == TokenKind.login.value
    return await _login(connection, TokenRow.id == token_id, is_login, TokenRow.expires_at > now)


async def _login(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> Login | None:
    row = (
        await connection.execute(
            select(
                TokenRow.id,
                TokenRow.scopes,
                TokenRow.expires_at,
                TokenRow.last_used_at,
                UserRow.id,
                UserRow.name,
                UserRow.role,
            )
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(*conditions, *UNENDED)
        )
    ).one_or_none()
    if row is None:
        return None
    token_id, scopes, expires_at, last_used_at, user_id, name, role = row
    return Login(
        token_id=token_id,
        user_id=user_id,
        name=name,
        role=Role(role),
        scopes=tuple(scopes.split()),
        expires_at=expires_at,
        last_used_at=last_used_at,
    )


async def tokens_that_hold(connection: AsyncConnection, token_ids: Collection[int]) -> frozenset[int]:
    """Those of the tokens that are there and of which neither they nor their users were ended.

    When they expire is not asked.
    """
    query = select(TokenRow.id).join(UserRow, UserRow.id == TokenRow.user_id).where(*UNENDED)
    return frozenset(await connection.scalars(query.where(TokenRow.id.in_(token_ids))))


async def touch_token(connection: AsyncConnection, token_id: int, now: float) -> None:
    """Note that the token was used."""
    await connection.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used_at=now))


async def revoke_token(connection: AsyncConnection, token_id: int, now: float) -> bool:
    """Revoke a token; False when it was revoked before, so that of two at once only one gets True."""
    done = await connection.execute(
        update(TokenRow).where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None)).values(revoked_at=now)
    )
    return done.rowcount == 1


async def revoke_tokens(connection: AsyncConnection, user_id: int, kind: TokenKind, now: float) -> None:
    """Revoke all tokens of that kind that a user has."""
    await connection.execute(
        update(TokenRow)
        .where(TokenRow.user_id == user_id, TokenRow.kind == kind.value, TokenRow.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def forget_tokens(connection: AsyncConnection, expired_before: float) -> None:
    """Delete what expired so long ago that nobody asks about it any more."""
    await connection.execute(delete(TokenRow).where(TokenRow.expires_at < expired_before))
