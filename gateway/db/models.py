"""The tables. Queries live in one file per noun; what they give out are domain records, never these classes.

Times are epoch seconds UTC in Python, DATETIME(6) UTC in MariaDB and ISO text in SQLite: readable with any tool,
and one representation of time in the whole gateway.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, MetaData, String, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# SQLAlchemy counts MariaDB under either name, depending on the URL
MARIADB = ("mysql", "mariadb")


class UtcTime(TypeDecorator[float]):
    """Epoch seconds, kept to the microsecond."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in MARIADB:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: float | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else datetime.fromtimestamp(value, UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> float | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else value.replace(tzinfo=UTC).timestamp()


def identity() -> BigInteger:
    """BIGINT; on SQLite INTEGER, which alone numbers itself there."""
    return BigInteger().with_variant(Integer(), "sqlite")


def exact(length: int) -> String:
    """Text that is compared byte for byte everywhere; MariaDB's default takes ä for a."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *MARIADB)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class UserRow(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(identity(), primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(exact(64), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(UtcTime())
    disabled_at: Mapped[float | None] = mapped_column(UtcTime())


class TokenRow(Base):
    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(identity(), primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(identity(), ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(exact(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(255))
    label: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[float] = mapped_column(UtcTime())
    expires_at: Mapped[float] = mapped_column(UtcTime(), index=True)
    last_used_at: Mapped[float | None] = mapped_column(UtcTime())
    revoked_at: Mapped[float | None] = mapped_column(UtcTime())


class TicketRow(Base):
    __tablename__ = "tickets"

    digest: Mapped[str] = mapped_column(exact(64), primary_key=True)
    token_id: Mapped[int] = mapped_column(identity(), ForeignKey("tokens.id", ondelete="CASCADE"), index=True)
    origin: Mapped[str | None] = mapped_column(exact(300))
    device: Mapped[str | None] = mapped_column(exact(64))
    expires_at: Mapped[float] = mapped_column(UtcTime())
