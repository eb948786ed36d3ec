"""The web server: hub, follower, database and uvicorn. Knows settings and concrete classes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path

import msgspec
import structlog
from litestar import Litestar
from redis.asyncio import Redis

from gateway.api.connections import Connections
from gateway.api.sites import SiteInfo
from gateway.app import Parts, create_app
from gateway.db.backups import Backups
from gateway.db.engine import Database
from gateway.domain.clock import Clock, SystemClock
from gateway.domain.errors import SettingsError
from gateway.domain.origins import Origins
from gateway.domain.throttle import Patience, Throttle
from gateway.domain.values import Delta
from gateway.http import HttpLimits
from gateway.hub.hub import Hub
from gateway.protocol.flow import Pace
from gateway.protocol.messages import Limits
from gateway.run.drain import drain
from gateway.run.figures import WebFigures, process_metrics
from gateway.run.links import LinkReports
from gateway.run.owner import Service, Stop, run_until, stop_on_signals
from gateway.run.plan import DEMO, Stores, stores_of
from gateway.run.ports import address, listen
from gateway.run.zones import zone_of
from gateway.server import make_server
from gateway.services.auth import AuthService, AuthTimes, SetupToken
from gateway.services.bridge_watch import BridgeWatch
from gateway.services.metrics import Metrics
from gateway.services.passwords import HashCost, Passwords
from gateway.services.readiness import Pauses, Probe, Readiness
from gateway.settings import Settings, SiteSettings
from gateway.store.follow import Follower, OnStep, Reachable, Step, Unreachable
from gateway.store.notices import NoticeBoard
from gateway.store.records import ChargeRecords
from gateway.store.redis import EventsKept, SiteStore, close_client, open_client
from gateway.store.samples import SampleQueue
from gateway.version import VERSION

PAGE = Path(__file__).parents[1] / "page"
DATABASE_ASKED_EVERY_S = 10.0
STORE, DATABASE = "store", "database"
Announce = Callable[[SetupToken | None], None]

log = structlog.get_logger(__name__)


class Web(msgspec.Struct, frozen=True):
    """The application and the services behind it. ``drain_s``: how long a stop may take to send clients away."""

    app: Litestar
    readiness: Readiness
    connections: Connections
    drain_s: float
    services: dict[str, Service]


class _Opened(msgspec.Struct, frozen=True):
    """What is read from: the database, and of the store values, open charge sessions and samples that wait."""

    database: Database
    store: SiteStore
    records: ChargeRecords
    samples: SampleQueue


async def run_web(settings: Settings) -> None:
    """``openwb-gateway web``: until a signal."""
    if not settings.redis_url:
        raise SettingsError(
            "GATEWAY_REDIS_URL: a web process of its own needs the store that it shares with the bridge"
        )
    if not settings.database_url:
        raise SettingsError("GATEWAY_DATABASE_URL: a web process of its own needs a database")
    if not settings.sites:
        raise SettingsError(
            "GATEWAY_MQTT_URL: name the box that the bridge serves, or [[site]] tables in GATEWAY_CONFIG"
        )
    with stop_on_signals() as stop, closing(listen(settings.host, settings.port)) as listening:
        base = settings.public_url[0] if settings.public_url else address(listening)

        def announce(link: SetupToken | None) -> None:
            log.info("ready", page=base)
            if link is not None:
                log.warning(
                    "nobody has a password yet; set the first one here, within the hour", link=link.link(base)
                )

        readiness = Readiness(SystemClock(), (STORE, DATABASE))
        metrics, looks = process_metrics(readiness)
        shared = stores_of(settings, settings.data_dir, settings.redis_url)
        served = web(settings, settings.sites, readiness, metrics, announce, shared, links_count=False)
        async with served as made:
            made.services.update(looks)
            await serve(made, listening, settings, stop)
    log.info("stopped")


async def serve(made: Web, listening: socket.socket, settings: Settings, stop: Stop) -> None:
    """Run the services and the server until ``stop``. The server ends first, so that no request is cut off."""
    server = make_server(
        made.app,
        message_bytes=settings.limit_message_bytes,
        pace=pace_of(settings),
        http=HttpLimits(head_bytes=settings.limit_head_bytes, request_s=settings.request_s),
        lag=made.connections.counts.lag,
    )
    ended = asyncio.Event()

    async def serving() -> None:
        await server.serve(sockets=[listening])
        if not stop.is_set():
            return
        ended.set()
        await asyncio.Event().wait()

    async def ending() -> None:
        await stop.wait()
        await drain(server, made.connections, made.readiness, made.drain_s, stop.at_once)
        server.should_exit = True
        await asyncio.Event().wait()

    await run_until(ended, {**made.services, "server": serving, "end of the server": ending})


@asynccontextmanager
async def web(
    settings: Settings,
    sites: tuple[SiteSettings, ...],
    readiness: Readiness,
    metrics: Metrics,
    announce: Announce,
    stores: Stores,
    *,
    links_count: bool,
) -> AsyncIterator[Web]:
    """The web process's parts; ``announce`` is called once, when somebody can log in or be set up."""
    clock, limits = SystemClock(), limits_of(settings)
    connect = partial(open_client, stores.redis_url, settings.redis_timeout_s)
    async with AsyncExitStack() as stack:
        opened = _opened(settings, stores.database_url, connect, stack)
        database, store = opened.database, opened.store
        names = tuple(site.id for site in sites)
        board = NoticeBoard(connect, answer_s=settings.redis_timeout_s)
        connections = Connections(limits, tell=board.tell)
        limited = connections.counts.limited
        hub = Hub(names, clock, limits, resume_entries=settings.resume_entries, limited=limited)
        auth = _auth(settings, database, clock)
        parts = _parts(settings, sites, opened, hub, auth, connections, readiness, metrics)
        follower = Follower(store, connect, newest_events=settings.limit_replayed_events)
        for name in names:
            follower.add(name)
        metrics.add(WebFigures(names, hub, follower, connections))
        on_step = _reporting(hub, readiness, LinkReports(sites, hub, readiness, counts=links_count))
        services: dict[str, Service] = {
            "hub": hub.run,
            "follower": partial(follower.run, on_step),
            "bridge watch": _watch(settings, store, names, hub, readiness).run,
            "database": _probe(settings, database, auth, readiness, announce, stores.backups).run,
            "notices": partial(board.run, connections.on_notice),
        }
        yield Web(create_app(parts), readiness, connections, settings.drain_s, services)


def _parts(
    settings: Settings,
    sites: tuple[SiteSettings, ...],
    opened: _Opened,
    hub: Hub,
    auth: AuthService,
    connections: Connections,
    readiness: Readiness,
    metrics: Metrics,
) -> Parts:
    return Parts(
        clock=SystemClock(),
        sites=tuple(SiteInfo(site.id, site.name, site.dialect, site.id == DEMO) for site in sites),
        zones={site.id: zone_of(site) for site in sites},
        record_period_ms=round(settings.record_period_s * 1000),
        hub=hub,
        store=opened.store,
        database=opened.database,
        open_sessions=opened.records.open_sessions,
        samples=opened.samples,
        auth=auth,
        readiness=readiness,
        metrics=metrics,
        connections=connections,
        origins=Origins(settings.public_url, settings.host),
        page_dir=PAGE,
        version=VERSION,
        limits=connections.limits,
    )


def _opened(settings: Settings, database_url: str, connect: Callable[[], Redis], stack: AsyncExitStack) -> _Opened:
    redis = connect()
    stack.push_async_callback(close_client, redis)
    database = Database(database_url)
    stack.push_async_callback(database.dispose)
    store = SiteStore(
        redis,
        stream_length=settings.stream_entries,
        ring=settings.resume_entries,
        events_kept=EventsKept(settings.events_kept_s, settings.event_entries),
        answer_s=settings.redis_timeout_s,
    )
    answer_s = settings.redis_timeout_s
    return _Opened(database, store, ChargeRecords(redis, answer_s=answer_s), SampleQueue(redis, answer_s=answer_s))


def _probe(
    settings: Settings,
    database: Database,
    auth: AuthService,
    readiness: Readiness,
    announce: Announce,
    backups: Backups,
) -> Probe:
    async def prepare() -> None:
        await database.migrate(backups)
        announce(await auth.ensure_admin(settings.admin_password))

    return Probe(readiness, DATABASE, prepare=prepare, check=database.ping, pauses=Pauses(DATABASE_ASKED_EVERY_S))


def _auth(settings: Settings, database: Database, clock: Clock) -> AuthService:
    times = AuthTimes(login_s=settings.login_s, ticket_s=settings.ticket_s)
    return AuthService(database, clock, Passwords(HashCost()), Throttle(Patience()), times=times)


def _watch(settings: Settings, store: SiteStore, names: Sequence[str], hub: Hub, readiness: Readiness) -> BridgeWatch:
    def on_mute(site: str, reason: str) -> None:
        """A store that can be read and not be written holds what was true once; nobody vouches for it."""
        readiness.report(STORE, "down", reason)
        hub.on_step(site, Unreachable(reason))

    return BridgeWatch(store, names, SystemClock(), down_after_s=settings.bridge_down_s, on_mute=on_mute)


def _reporting(hub: Hub, readiness: Readiness, links: LinkReports) -> OnStep:
    def on_step(site: str, step: Step) -> None:
        if isinstance(step, Unreachable):
            log.warning("cannot read from the store; trying on", site=site, reason=step.reason)
            readiness.report(STORE, "down", step.reason)
        elif not isinstance(step, Delta):
            readiness.report(STORE, "ok")
        if isinstance(step, Reachable):
            log.info("reading from the store again", site=site)
        hub.on_step(site, step)
        links.on_step(site, step)

    return on_step


def pace_of(settings: Settings) -> Pace:
    return Pace(
        full_bytes=settings.limit_unacknowledged_bytes,
        ping_idle_s=settings.ping_idle_s,
        gone_after_s=settings.gone_after_s,
        frame_burst=settings.limit_frame_burst,
        frames_per_s=settings.limit_frames_per_s,
    )


def limits_of(settings: Settings) -> Limits:
    """The limits of a connection as the settings have them."""
    return Limits(
        message_bytes=settings.limit_message_bytes,
        auth_message_bytes=settings.limit_auth_message_bytes,
        snapshot_part_bytes=settings.limit_snapshot_part_bytes,
        unacknowledged_bytes=settings.limit_unacknowledged_bytes,
        subscriptions=settings.limit_subscriptions,
        keys_per_subscription=settings.limit_keys,
        groups_per_site=settings.limit_groups,
        groups_per_user=settings.limit_groups_per_user,
        connections_per_user=settings.limit_connections_per_user,
        connections_per_address=settings.limit_connections_per_address,
        subscribe_burst=settings.limit_subscribe_burst,
        subscribes_per_s=settings.limit_subscribes_per_s,
        message_burst=settings.limit_message_burst,
        messages_per_s=settings.limit_messages_per_s,
        refusal_burst=settings.limit_refusal_burst,
        refusals_per_s=settings.limit_refusals_per_s,
        queued_requests=settings.limit_queued_requests,
        replayed_events=settings.limit_replayed_events,
        auth_deadline_s=settings.auth_deadline_s,
        auth_tries=settings.auth_tries,
        heartbeat_s=settings.heartbeat_s,
    )
