"""Queries that read charge sessions, and write corrections: connection in, domain records out.

The list goes from the newest end to the oldest, by ``(unplugged_at, id)``, and so does the table's key
(site, unplugged_at): a page is read where it lies, however many there are before it. A charge session is written
when it has ended and stays for good, so that a place in the list is one for good, too.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Row, ScalarSelect, Select, and_, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from gateway.db.models import BoxLogEntryRow, ChargeSessionRow, ChargeSessionSegmentRow, ChargeSessionVersionRow
from gateway.db.samples import site_id
from gateway.domain.box_log import BoxLogEntry
from gateway.domain.charge_corrections import Correctable, Version
from gateway.domain.charge_sessions import FLAGS, ChargeSession, EnergyBySource, Flag, Segment
from gateway.domain.errors import Conflict, InvalidArgument
from gateway.domain.reconcile import Charged

PLACE: Final = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)
MICROSECONDS: Final = 1_000_000

FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Correctable))
PLAIN: Final = tuple(
    field.name
    for field in msgspec.structs.fields(ChargeSession)
    if field.name not in ("site", "segments", "energy_by_source", "completeness")
)
"""The fields that are columns of their own."""

_entry_decoder = msgspec.json.Decoder(BoxLogEntry)

Sessions, Segments, Versions = ChargeSessionRow, ChargeSessionSegmentRow, ChargeSessionVersionRow


class Place(NamedTuple):
    """A place in the list: when a charge session ended, in epoch microseconds, and its id among those of the same."""

    ended_us: int
    id: int

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read a cursor; raises InvalidArgument."""
        found = PLACE.fullmatch(text)
        if found is None:
            raise InvalidArgument(f"cursor: {text[:40]!r} is none; give 'next' of the page before as it is")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.ended_us}-{self.id}"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """Which charge sessions are meant. Those that ended from ``begin`` on, before ``end``, in epoch seconds.

    ``vehicle_id`` is the corrected one. ``id_tag`` is compared without regard to case, as boxes do.
    """

    begin: float | None = None
    end: float | None = None
    chargepoint_id: str | None = None
    vehicle_id: int | None = None
    id_tag: str | None = None
    mode: str | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A charge session as it was recorded, with its corrections; ``session.segments`` are in order."""

    id: int
    session: ChargeSession
    versions: tuple[Version, ...] = ()

    @property
    def original(self) -> Correctable:
        one = self.session
        return Correctable(
            vehicle_id=one.vehicle_id,
            vehicle_name=one.vehicle_name,
            odometer_start_km=one.odometer_start_km,
            odometer_end_km=one.odometer_end_km,
        )

    @property
    def version(self) -> int:
        """That of the newest correction; 0: there is none."""
        return self.versions[-1].version if self.versions else 0

    @property
    def holds(self) -> Correctable:
        """What holds now."""
        return self.versions[-1].holds if self.versions else self.original

    @property
    def place(self) -> Place:
        ended = self.session.unplugged_at
        assert ended is not None
        return Place(round(ended * MICROSECONDS), self.id)


async def sessions_after(
    connection: AsyncConnection,
    site: str,
    chosen: Chosen,
    place: Place | None,
    limit: int,
    *,
    segments: bool = True,
) -> list[Stored]:
    """At most ``limit`` of the chosen ones that come after a place in the list; None: from the newest on."""
    number = await site_id(connection, site)
    if number is None:
        return []
    rows = (await connection.execute(list_query(number, chosen, place, limit))).all()
    return await _whole(connection, site, rows, segments=segments)


async def session_by_id(connection: AsyncConnection, site: str, session_id: int) -> Stored | None:
    number = await site_id(connection, site)
    query = select(Sessions.__table__).where(Sessions.id == session_id, Sessions.site_id == number)
    found = await _whole(connection, site, (await connection.execute(query)).all())
    return found[0] if found else None


async def add_version(connection: AsyncConnection, session_id: int, version: Version) -> None:
    """Write a correction; raises Conflict when there is one of that number: somebody was faster."""
    held = {field: getattr(version.holds, field) for field in FIELDS}
    about = {"version": version.version, "author": version.author, "reason": version.reason, "at": version.at}
    try:
        await connection.execute(insert(Versions).values(session_id=session_id, **about, **held))
    except IntegrityError as error:
        raise Conflict(
            f"somebody else corrected this charge session meanwhile: version {version.version} is there; look at it"
        ) from error


async def charged_in(connection: AsyncConnection, site: str, begin: float, end: float) -> list[Charged]:
    """The charge sessions that ended in that time, the earliest first, as far as they are reconciled."""
    query = (
        select(
            Sessions.chargepoint_id,
            Sessions.plugged_at,
            Sessions.unplugged_at,
            Sessions.energy_wh,
            Sessions.completeness,
        )
        .where(Sessions.site_id == await site_id(connection, site))
        .where(Sessions.unplugged_at >= begin, Sessions.unplugged_at < end)
        .order_by(Sessions.unplugged_at, Sessions.id)
    )
    return [Charged(*row[:4], flags=_flags(row[4])) for row in await connection.execute(query)]


async def first_plugged(connection: AsyncConnection, site: str) -> float | None:
    """When the first charge session began; None: there is none."""
    query = select(Sessions.plugged_at).where(Sessions.site_id == await site_id(connection, site))
    return await connection.scalar(query.order_by(Sessions.plugged_at).limit(1))


def list_query(number: int, chosen: Chosen, place: Place | None, limit: int) -> Select[Any]:
    """What the list reads, the newest end first."""
    query = select(Sessions.__table__).where(Sessions.site_id == number)
    if place is not None:
        at = place.ended_us / MICROSECONDS
        # the first condition is where the key is entered
        query = query.where(
            Sessions.unplugged_at <= at,
            or_(Sessions.unplugged_at < at, and_(Sessions.unplugged_at == at, Sessions.id < place.id)),
        )
    if chosen.begin is not None:
        query = query.where(Sessions.unplugged_at >= chosen.begin)
    if chosen.end is not None:
        query = query.where(Sessions.unplugged_at < chosen.end)
    if chosen.chargepoint_id is not None:
        query = query.where(Sessions.chargepoint_id == chosen.chargepoint_id)
    if chosen.id_tag is not None:
        query = query.where(func.lower(Sessions.id_tag) == chosen.id_tag.lower())
    if chosen.mode is not None:
        # no EXISTS: of that MariaDB makes a list of all the charge sessions that ever were in the mode
        in_mode = select(Segments.number).where(Segments.session_id == Sessions.id, Segments.mode == chosen.mode)
        query = query.where(in_mode.limit(1).scalar_subquery().is_not(None))
    if chosen.vehicle_id is not None:
        query = query.where(
            or_(
                and_(Sessions.vehicle_id == chosen.vehicle_id, _newest(Versions.version).is_(None)),
                _newest(Versions.vehicle_id) == chosen.vehicle_id,
            )
        )
    return query.order_by(Sessions.unplugged_at.desc(), Sessions.id.desc()).limit(limit)


def _newest(column: InstrumentedAttribute[Any]) -> ScalarSelect[Any]:
    """Of the newest correction; NULL: there is none."""
    of_session = select(column).where(Versions.session_id == Sessions.id)
    return of_session.order_by(Versions.version.desc()).limit(1).scalar_subquery()


async def entries_ended(connection: AsyncConnection, site: str, begin: float, end: float) -> list[BoxLogEntry]:
    """The entries of a 2.x box's own log that ended in that time: the only ones that know of sources."""
    row = BoxLogEntryRow
    query = select(row.entry).where(row.site_id == await site_id(connection, site), row.source == "openwb-2")
    query = query.where(row.end >= begin, row.end < end).order_by(row.end, row.natural_key)
    return [_entry_decoder.decode(entry) for (entry,) in await connection.execute(query)]


async def _whole(
    connection: AsyncConnection, site: str, rows: Sequence[Row[Any]], *, segments: bool = True
) -> list[Stored]:
    """With their versions, and the segments where they are wanted."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    stretches = await _segments_of(connection, ids) if segments else {}
    versions = await _versions_of(connection, ids)
    return [
        Stored(
            id=row.id,
            session=_session(site, row, tuple(stretches.get(row.id, ()))),
            versions=tuple(versions.get(row.id, ())),
        )
        for row in rows
    ]


async def _segments_of(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[Segment]]:
    found: dict[int, list[Segment]] = {}
    query = select(Segments.__table__).where(Segments.session_id.in_(ids))
    for row in await connection.execute(query.order_by(Segments.session_id, Segments.number)):
        one = Segment(mode=row.mode, begin=row.begin, end=row.end, energy_wh=row.energy_wh)
        found.setdefault(row.session_id, []).append(one)
    return found


async def _versions_of(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[Version]]:
    found: dict[int, list[Version]] = {}
    query = select(Versions.__table__).where(Versions.session_id.in_(ids))
    for row in await connection.execute(query.order_by(Versions.session_id, Versions.version)):
        holds = Correctable(**{field: getattr(row, field) for field in FIELDS})
        one = Version(version=row.version, author=row.author, reason=row.reason, at=row.at, holds=holds)
        found.setdefault(row.session_id, []).append(one)
    return found


def _session(site: str, row: Row[Any], segments: tuple[Segment, ...]) -> ChargeSession:
    sources = None
    if row.grid_wh is not None:
        sources = EnergyBySource(grid_wh=row.grid_wh, pv_wh=row.pv_wh, battery_wh=row.battery_wh)
    return ChargeSession(
        site=site,
        segments=segments,
        energy_by_source=sources,
        completeness=_flags(row.completeness),
        **{field: getattr(row, field) for field in PLAIN},
    )


def _flags(text: str) -> tuple[Flag, ...]:
    held = text.split(",")
    return tuple(flag for flag in FLAGS if flag in held)
