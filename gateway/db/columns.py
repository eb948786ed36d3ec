"""The kinds of columns, one representation of each in the whole gateway, on both databases."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Numeric, SmallInteger, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

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


class ExactDecimal(TypeDecorator[Decimal]):
    """A number with at most three decimals, kept exactly: NUMERIC(18,3), on SQLite text, which knows no decimals.

    As text it is neither summed nor ordered by SQLite: queries read it, and Python counts. Raises ValueError for
    what it could only keep rounded.
    """

    impl = Numeric
    cache_ok = True
    step = Decimal("0.001")
    digits = 18

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in MARIADB:
            return dialect.type_descriptor(Numeric(self.digits, 3))
        return dialect.type_descriptor(String(self.digits + 2))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        if value is None:
            return None
        if not value.is_finite() or abs(value) >= 10 ** (self.digits - 3) or value != value.quantize(self.step):
            raise ValueError(f"{value} is no number below 10^{self.digits - 3} with at most three decimals")
        exact = value.quantize(self.step)
        return exact if dialect.name in MARIADB else str(exact)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else Decimal(value)


def identity() -> BigInteger:
    """BIGINT; on SQLite INTEGER, which alone numbers itself there."""
    return BigInteger().with_variant(Integer(), "sqlite")


def exact(length: int) -> String:
    """Text that is compared byte for byte everywhere; MariaDB's default takes ä for a."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *MARIADB)


def long_text() -> Text:
    """Text of any language, up to 16 MB; never searched."""
    return Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), *MARIADB)


def tiny() -> SmallInteger:
    """One byte."""
    return SmallInteger().with_variant(mysql.TINYINT(), *MARIADB)


class Octets(TypeDecorator[bytes]):
    """Bytes, as base64: aiomysql 0.3 cannot send any with the PyMySQL of today. Up to 12 MB on MariaDB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(mysql.MEDIUMTEXT() if dialect.name in MARIADB else Text())

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else b64encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else b64decode(value)
