"""The tables. Queries live in one file per noun; what they give out are domain records, never these classes.

Times are epoch seconds UTC in Python, DATETIME(6) UTC in MariaDB and ISO text in SQLite: readable with any tool,
and one representation of time in the whole gateway. Slots are named by their start in epoch milliseconds UTC, here as
everywhere.

What is recorded is narrow and in the order in which it is read: a site and a series are numbers, and the key of a row
is (site, series, slot). Sites are numbered because a name of up to 32 characters would be in every row and, on
SQLite and InnoDB alike, in every page of the tree again.
"""

from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from gateway.db.columns import ExactDecimal, Octets, UtcTime, exact, identity, long_text, tiny

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


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


class SiteRow(Base):
    """The number of a site. What is recorded of ``demo`` is simulated: no real site can have that name."""

    __tablename__ = "sites"

    id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(exact(32), unique=True)


class SeriesRow(Base):
    """The number of a recorded key of a site. ``recorded_from`` is the first slot with it."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=True)
    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"))
    key: Mapped[str] = mapped_column(exact(255))
    unit: Mapped[str | None] = mapped_column(String(16))
    recorded_from: Mapped[int] = mapped_column(BigInteger())


class SampleRow(Base):
    """What a series was at the end of a slot; ``value`` NULL: not known, and ``quality`` says why.

    No foreign keys: MariaDB allows none where there are partitions.
    """

    __tablename__ = "samples"
    __table_args__ = ({"sqlite_with_rowid": False},)

    site_id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    series_id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    value: Mapped[float | None] = mapped_column(Double())
    quality: Mapped[int] = mapped_column(tiny())


class SlotRow(Base):
    """A slot that was recorded: how long it was, and the position in the site's changes at its end.

    A slot that is not here was not recorded; one that is here without a series did not have that series.
    """

    __tablename__ = "slots"
    __table_args__ = ({"sqlite_with_rowid": False},)

    site_id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    period_ms: Mapped[int] = mapped_column(Integer())
    epoch: Mapped[str] = mapped_column(exact(64))
    seq: Mapped[int] = mapped_column(BigInteger())


class SamplePositionRow(Base):
    """The last slot of a site that was written; it moves in the transaction that writes the rows."""

    __tablename__ = "sample_positions"

    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(BigInteger())


class BadSampleRow(Base):
    """An entry of the queue that could not be read; its slot has no rows."""

    __tablename__ = "bad_samples"

    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(String(255))
    payload: Mapped[bytes] = mapped_column(Octets())
    at: Mapped[float] = mapped_column(UtcTime())


class BoxLogEntryRow(Base):
    """A line of a box's own charge log, once; ``entry`` is all of it as JSON, the others are for finding it."""

    __tablename__ = "box_log_entries"
    __table_args__ = (Index(None, "site_id", "end"),)

    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    natural_key: Mapped[str] = mapped_column(exact(64), primary_key=True)
    source: Mapped[str] = mapped_column(String(16))
    chargepoint: Mapped[str | None] = mapped_column(exact(255))
    begin: Mapped[float | None] = mapped_column(UtcTime())
    end: Mapped[float | None] = mapped_column(UtcTime())
    energy_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    entry: Mapped[str] = mapped_column(long_text())
    taken_over_at: Mapped[float] = mapped_column(UtcTime())


class ChargeSessionRow(Base):
    """A charge session that has ended, as it was recorded; it never changes.

    Three of the columns that say where its energy came from are NULL together: nobody knows.
    """

    __tablename__ = "charge_sessions"
    __table_args__ = (
        UniqueConstraint("site_id", "chargepoint_id", "plugged_at_ms"),
        Index(None, "site_id", "unplugged_at"),
        Index(None, "site_id", "plugged_at"),
    )

    id: Mapped[int] = mapped_column(identity(), primary_key=True, autoincrement=True)
    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"))
    chargepoint_id: Mapped[str] = mapped_column(exact(64))
    plugged_at_ms: Mapped[int] = mapped_column(BigInteger())
    plugged_at: Mapped[float] = mapped_column(UtcTime())
    unplugged_at: Mapped[float] = mapped_column(UtcTime())
    meter_start_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    meter_end_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    energy_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    peak_w: Mapped[float | None] = mapped_column(Double())
    mean_w: Mapped[float | None] = mapped_column(Double())
    charging_s: Mapped[float] = mapped_column(Double())
    plugged_s: Mapped[float] = mapped_column(Double())
    vehicle_id: Mapped[int | None] = mapped_column(Integer())
    vehicle_name: Mapped[str | None] = mapped_column(exact(255))
    id_tag: Mapped[str | None] = mapped_column(exact(255))
    person: Mapped[str | None] = mapped_column(exact(255))
    person_how: Mapped[str | None] = mapped_column(String(32))
    soc_start_percent: Mapped[float | None] = mapped_column(Double())
    soc_end_percent: Mapped[float | None] = mapped_column(Double())
    odometer_start_km: Mapped[float | None] = mapped_column(Double())
    odometer_end_km: Mapped[float | None] = mapped_column(Double())
    grid_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    pv_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    battery_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    source_how: Mapped[str | None] = mapped_column(String(16))
    cost: Mapped[Decimal | None] = mapped_column(ExactDecimal())
    completeness: Mapped[str] = mapped_column(String(128))
    serial_number: Mapped[str | None] = mapped_column(exact(255))


class ChargeSessionSegmentRow(Base):
    """A stretch of a charge session in one charge mode; ``number`` counts from 0."""

    __tablename__ = "charge_session_segments"

    session_id: Mapped[int] = mapped_column(
        identity(), ForeignKey("charge_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    mode: Mapped[str | None] = mapped_column(String(16))
    begin: Mapped[float] = mapped_column(UtcTime())
    end: Mapped[float | None] = mapped_column(UtcTime())
    energy_wh: Mapped[Decimal | None] = mapped_column(ExactDecimal())


class ChargeSessionVersionRow(Base):
    """A correction, and all that may be corrected as it is from then on; ``version`` counts from 1."""

    __tablename__ = "charge_session_versions"

    session_id: Mapped[int] = mapped_column(
        identity(), ForeignKey("charge_sessions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    author: Mapped[str] = mapped_column(exact(64))
    reason: Mapped[str] = mapped_column(exact(500))
    at: Mapped[float] = mapped_column(UtcTime())
    vehicle_id: Mapped[int | None] = mapped_column(Integer())
    vehicle_name: Mapped[str | None] = mapped_column(exact(255))
    odometer_start_km: Mapped[float | None] = mapped_column(Double())
    odometer_end_km: Mapped[float | None] = mapped_column(Double())
    note: Mapped[str | None] = mapped_column(long_text())


class RecordPositionRow(Base):
    """What is held while charge sessions of a site are written.

    ``position`` says nothing: those of the stream go back with the store's clock.
    """

    __tablename__ = "record_positions"

    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger())


class _Rollup:
    """A series in a bucket of time, which is named by its start, epoch milliseconds; of a day that is local midnight.

    ``mean`` is weighted by time. ``counted``, only of counters: what they counted, NULL where no two readings are
    known. ``known_ms`` of the bucket has values, ``missing_ms`` has none. ``quality`` is the worst in it: live,
    rebuilt, jumped, stale, in this order.
    """

    site_id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    series_id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    mean: Mapped[float | None] = mapped_column(Double())
    low: Mapped[float | None] = mapped_column(Double())
    high: Mapped[float | None] = mapped_column(Double())
    last: Mapped[float | None] = mapped_column(Double())
    counted: Mapped[float | None] = mapped_column(Double())
    known_ms: Mapped[int] = mapped_column(Integer())
    missing_ms: Mapped[int] = mapped_column(Integer())
    quality: Mapped[int] = mapped_column(tiny())


class Rollup15mRow(_Rollup, Base):
    __tablename__ = "rollups_15m"
    __table_args__ = ({"sqlite_with_rowid": False},)


class Rollup1hRow(_Rollup, Base):
    __tablename__ = "rollups_1h"
    __table_args__ = ({"sqlite_with_rowid": False},)


class Rollup1dRow(_Rollup, Base):
    __tablename__ = "rollups_1d"
    __table_args__ = ({"sqlite_with_rowid": False},)


class SourceEnergyRow(Base):
    """Where a consumer's (``house``, ``chargepoints/4``) energy of a quarter of an hour came from: an estimate."""

    __tablename__ = "source_energies"
    __table_args__ = ({"sqlite_with_rowid": False},)

    site_id: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    consumer: Mapped[str] = mapped_column(exact(255), primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    grid_wh: Mapped[float] = mapped_column(Double())
    pv_wh: Mapped[float] = mapped_column(Double())
    battery_wh: Mapped[float] = mapped_column(Double())
    unknown_wh: Mapped[float] = mapped_column(Double())


class RollupPositionRow(Base):
    """Before this moment, in epoch milliseconds, every slot of a site is in its roll-ups."""

    __tablename__ = "rollup_positions"

    site_id: Mapped[int] = mapped_column(Integer(), ForeignKey("sites.id"), primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(BigInteger())
