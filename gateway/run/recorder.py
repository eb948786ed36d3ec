"""The recorder: a sampler of all sites, and a writer for each. Knows settings and concrete classes.

Any number of them may run at once, here and elsewhere: each slot is sampled once and written once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from gateway.db.engine import Database
from gateway.db.upkeep import HistoryTables
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.clock import SystemClock
from gateway.domain.errors import InvalidArgument, SettingsError
from gateway.domain.history import QUARTER_MS
from gateway.domain.retention import Keep, check_days
from gateway.domain.series import Choice, Recorded
from gateway.domain.slots import period_ms_of
from gateway.run.figures import RecorderFigures, metrics_port, process_metrics
from gateway.run.owner import Service, run_until, stop_on_signals
from gateway.run.plan import Stores, stores_of
from gateway.run.zones import zone_of
from gateway.services.metrics import Metrics
from gateway.services.readiness import Pauses, Probe, Readiness
from gateway.settings import Settings, SiteSettings
from gateway.store.follow import Follower
from gateway.store.records import ChargeRecords
from gateway.store.redis import EventsKept, SiteStore, close_client, open_client
from gateway.store.requests import BoxLogQueue, Piece
from gateway.store.samples import QueueBound, SampleQueue
from gateway.store.samples import Queued as QueuedSample
from gateway.store.waiting import Queued
from recorder.box_log import BoxLogTables
from recorder.carry import Carrier, WholeStream
from recorder.carry import Pace as CarryPace
from recorder.records import RecordTables
from recorder.retention import Retention
from recorder.rollups import RollUps
from recorder.sampler import Means, Pace, Sampler
from recorder.tracker import Means as TrackerMeans
from recorder.tracker import Tracker
from recorder.writer import SampleStream, SampleTables

HISTORY = "history"
WRITE_TIMEOUT_S = 30.0
LOOK_S = 1.0
PARTITIONS_EVERY_S = 300.0
CLEANED_EVERY_S = 86_400.0
ROLLED_UP_EVERY_S = 4 * 3_600.0
MOST_UNREDUCED_SLOTS = 1_000
PIECES_AT_ONCE, RECORDS_AT_ONCE, SAMPLES_AT_ONCE = 10, 100, 100
PIECES_EVERY_S = 2.0
WELL = frozenset({"starting", "waiting", "ok"})

log = structlog.get_logger(__name__)


class Recording(msgspec.Struct, frozen=True):
    """What is recorded, and how often."""

    period_ms: int
    choice: Choice


def recording(settings: Settings) -> Recording:
    """Raises SettingsError with what is allowed."""
    try:
        period_ms = period_ms_of(settings.record_period_s)
    except InvalidArgument as error:
        raise SettingsError(f"GATEWAY_RECORD_PERIOD_S: {error.message}") from error
    if QUARTER_MS % period_ms:
        raise SettingsError(
            "GATEWAY_RECORD_PERIOD_S: allowed is what fits into 15 minutes without a rest (0.2, 1, 10, 60, 300, …),"
            f" got {settings.record_period_s:g}"
        )
    try:
        return Recording(period_ms, Choice.of(settings.record_add, settings.record_drop))
    except InvalidArgument as error:
        raise SettingsError(f"GATEWAY_RECORD_ADD, GATEWAY_RECORD_DROP: {error.message}") from error


def kept_for(settings: Settings) -> Keep:
    """For how long; raises SettingsError with what is allowed."""
    days = {
        name: getattr(settings, f"record_{name}")
        for name in ("keep_days", "keep_15m_days", "keep_1h_days", "keep_1d_days")
    }
    for name, one in days.items():
        try:
            check_days(one)
        except InvalidArgument as error:
            raise SettingsError(f"GATEWAY_RECORD_{name.upper()}: {error.message}") from error
    slots, quarters, hours, whole_days = days.values()
    return Keep(slots=slots, quarters=quarters, hours=hours, days=whole_days)


async def run_recorder(settings: Settings) -> None:
    """``openwb-gateway recorder``: until a signal."""
    if not settings.redis_url:
        raise SettingsError("GATEWAY_REDIS_URL: a recorder of its own needs the store that it shares with the bridge")
    if not settings.database_url:
        raise SettingsError("GATEWAY_DATABASE_URL: a recorder of its own needs a database")
    if not settings.sites:
        raise SettingsError("GATEWAY_MQTT_URL: name the box to record, or [[site]] tables in GATEWAY_CONFIG")
    readiness = Readiness(SystemClock())
    metrics, looks = process_metrics(readiness)
    shared = stores_of(settings, settings.data_dir, settings.redis_url)
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        if settings.metrics_port is not None:
            looks["metrics"] = stack.enter_context(metrics_port(metrics, settings.metrics_port))
        async with recorders(settings, settings.sites, readiness, metrics, shared) as services:
            await run_until(stop, {**services, **looks})
    log.info("stopped")


@asynccontextmanager
async def recorders(
    settings: Settings,
    sites: tuple[SiteSettings, ...],
    readiness: Readiness,
    metrics: Metrics,
    stores: Stores,
) -> AsyncIterator[dict[str, Service]]:
    """The services that record the sites; the connections behind them are closed on leaving."""
    chosen = recording(settings)
    async with AsyncExitStack() as stack:
        connect = partial(open_client, stores.redis_url, settings.redis_timeout_s)
        redis = connect()
        stack.push_async_callback(close_client, redis)
        # a connection of its own: what is carried must not keep others waiting, nor be lost with the power
        database = Database(stores.database_url, timeout_s=WRITE_TIMEOUT_S, durable=True)
        stack.push_async_callback(database.dispose)
        queue = _queue(settings, redis)
        sampler = _sampler(settings, sites, chosen, queue, redis, connect)
        prepared = asyncio.Event()
        records = _records(settings, redis)
        tracker = _tracker(settings, sites, records, redis, connect)
        services: dict[str, Service] = {
            "retention": partial(_after, prepared, _retention(settings, database, readiness).run),
            "sampler": sampler.run,
            "tracker": tracker.run,
            "recorder watch": partial(_watch, sampler, tracker, sites, readiness),
            HISTORY: _history(
                settings, readiness, HistoryTables(database, SystemClock(), stores.backups), prepared
            ).run,
        }
        for site in sites:
            rows = SampleTables(site.id, SystemClock())
            writer = _writer(settings, site.id, database, queue, rows, readiness)
            metrics.add(RecorderFigures(site.id, partial(sampler.status, site.id), rows, writer))
            sessions = _record_writer(settings, site.id, database, records, readiness)
            box_log = _log_writer(settings, site.id, database, redis, readiness)
            services.update(_carried(prepared, writer, sessions, box_log))
            roll_ups = _roll_ups(settings, site, database, readiness)
            services[f"roll-ups of {site.id}"] = partial(_after, prepared, roll_ups.run)
        yield services


def _carried(prepared: asyncio.Event, *carriers: Carrier[Any]) -> dict[str, Service]:
    """The carriers as services: they wait until there are tables."""
    return {f"carrier of {one.name}": partial(_after, prepared, one.run) for one in carriers}


def _history(settings: Settings, readiness: Readiness, tables: HistoryTables, prepared: asyncio.Event) -> Probe:
    async def prepare() -> None:
        await tables.prepare()
        prepared.set()

    pauses = _pauses(settings, PARTITIONS_EVERY_S)
    return Probe(readiness, HISTORY, prepare=prepare, check=tables.look_ahead, pauses=pauses)


async def _after(prepared: asyncio.Event, run: Callable[[], Awaitable[None]]) -> None:
    await prepared.wait()
    await run()


async def _watch(sampler: Sampler, tracker: Tracker, sites: tuple[SiteSettings, ...], readiness: Readiness) -> None:
    """Tell how sampling and tracking do."""
    while True:
        for site in sites:
            for part, status in (("recorder", sampler.status(site.id)), ("tracker", tracker.status(site.id))):
                well = status.condition in WELL
                readiness.report(f"{part} of {site.id}", "ok" if well else "down", status.reason)
        await asyncio.sleep(LOOK_S)


def _queue(settings: Settings, redis: Redis) -> SampleQueue:
    bound = QueueBound(settings.record_queue_slots, settings.record_queue_bytes)
    return SampleQueue(redis, bound=bound, answer_s=settings.redis_timeout_s)


def _followed(settings: Settings, redis: Redis, connect: Callable[[], Redis]) -> tuple[SiteStore, Follower]:
    """The store, and a follower for one who reads all that changes, and no events."""
    store = SiteStore(redis, stream_length=settings.stream_entries, answer_s=settings.redis_timeout_s)
    return store, Follower(store, connect, newest_events=1)


def _sampler(
    settings: Settings,
    sites: tuple[SiteSettings, ...],
    chosen: Recording,
    queue: SampleQueue,
    redis: Redis,
    connect: Callable[[], Redis],
) -> Sampler:
    store, follower = _followed(settings, redis, connect)
    means = Means(store, queue, follower, SystemClock(), Pace(period_ms=chosen.period_ms))
    return Sampler(means, {site.id: Recorded(chosen.choice) for site in sites})


def _tracker(
    settings: Settings,
    sites: tuple[SiteSettings, ...],
    records: ChargeRecords,
    redis: Redis,
    connect: Callable[[], Redis],
) -> Tracker:
    store, follower = _followed(settings, redis, connect)
    return Tracker(TrackerMeans(store, records, follower, SystemClock()), [site.id for site in sites])


def _records(settings: Settings, redis: Redis) -> ChargeRecords:
    kept = EventsKept(settings.events_kept_s, settings.event_entries)
    return ChargeRecords(redis, events_kept=kept, answer_s=settings.redis_timeout_s)


def _retention(settings: Settings, database: Database, readiness: Readiness) -> Probe:
    retention = Retention(database, kept_for(settings), SystemClock())
    return _now_and_then(settings, readiness, "retention", retention.clean, CLEANED_EVERY_S)


def _record_writer(
    settings: Settings, site: str, database: Database, records: ChargeRecords, readiness: Readiness
) -> Carrier[Queued[ChargeSession]]:
    name = f"charge sessions of {site}"
    pace = _pace(settings, most_entries=RECORDS_AT_ONCE, every_s=PIECES_EVERY_S)
    stream, tables = WholeStream(records, site), RecordTables(site, SystemClock())
    return Carrier(name, database, stream, tables, pace=pace, report=partial(readiness.report, name))


def _log_writer(
    settings: Settings, site: str, database: Database, redis: Redis, readiness: Readiness
) -> Carrier[Queued[Piece]]:
    pace = _pace(settings, most_entries=PIECES_AT_ONCE, every_s=PIECES_EVERY_S)
    stream = WholeStream(BoxLogQueue(redis, answer_s=settings.redis_timeout_s), site)
    report = partial(readiness.report, f"box log of {site}")
    return Carrier(
        f"the box's log of {site}", database, stream, BoxLogTables(site, SystemClock()), pace=pace, report=report
    )


def _writer(
    settings: Settings,
    site: str,
    database: Database,
    queue: SampleQueue,
    rows: SampleTables,
    readiness: Readiness,
) -> Carrier[QueuedSample]:
    pace = _pace(settings, most_entries=SAMPLES_AT_ONCE, every_s=settings.record_write_s)
    report = partial(readiness.report, f"history of {site}")
    return Carrier(f"samples of {site}", database, SampleStream(queue, site), rows, pace=pace, report=report)


def _pace(settings: Settings, *, most_entries: int, every_s: float) -> CarryPace:
    return CarryPace(
        most_entries=most_entries,
        every_s=every_s,
        backoff_base_s=settings.reconnect_base_s,
        backoff_cap_s=settings.reconnect_cap_s,
    )


def _roll_ups(settings: Settings, site: SiteSettings, database: Database, readiness: Readiness) -> Probe:
    # so that an answer about the last hours is made of few slots, however short they are
    every_s = min(ROLLED_UP_EVERY_S, MOST_UNREDUCED_SLOTS * settings.record_period_s)
    roll_ups = RollUps(site.id, database, zone_of(site))
    return _now_and_then(settings, readiness, f"roll-ups of {site.id}", roll_ups.roll_up_all, every_s)


def _now_and_then(
    settings: Settings, readiness: Readiness, part: str, work: Callable[[], Awaitable[None]], every_s: float
) -> Probe:
    return Probe(readiness, part, check=work, pauses=_pauses(settings, every_s))


def _pauses(settings: Settings, period_s: float) -> Pauses:
    return Pauses(period_s, settings.reconnect_base_s, settings.reconnect_cap_s)
