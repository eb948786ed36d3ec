"""The bridge: one ingest for each site. Knows settings and concrete classes; owns nothing that outlives it."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from redis.asyncio import Redis

from gateway.bridge.charge_log import ChargeLog, LogPace
from gateway.bridge.charge_log_2 import OverMqtt
from gateway.bridge.charge_log_19 import OverHttp
from gateway.bridge.ingest import Box, Ingest, Pace
from gateway.bridge.leader import Leader, Timing, Trace
from gateway.domain.box_log_openwb19 import base_of
from gateway.domain.box_log_schedule import Pauses
from gateway.domain.clock import SystemClock
from gateway.domain.errors import SettingsError
from gateway.domain.link import Patience
from gateway.domain.values import Position
from gateway.mqtt import Broker
from gateway.run.figures import BridgeFigures, metrics_port, process_metrics
from gateway.run.owner import Service, run_until, stop_on_signals
from gateway.run.zones import zone_of
from gateway.services.metrics import Metrics
from gateway.services.readiness import Readiness
from gateway.settings import Settings, SiteSettings
from gateway.store.redis import EventsKept, SiteStore, close_client, open_client
from gateway.store.requests import BoxLogQueue, RequestQueue

log = structlog.get_logger(__name__)


async def run_bridge(settings: Settings) -> None:
    """``openwb-gateway bridge``: until a signal."""
    if not settings.redis_url:
        raise SettingsError(
            "GATEWAY_REDIS_URL: a bridge of its own needs the store that it shares with the web process"
        )
    if not settings.sites:
        raise SettingsError(
            "GATEWAY_MQTT_URL: a bridge needs a box, or [[site]] tables in the file of GATEWAY_CONFIG"
        )
    readiness = Readiness(SystemClock())
    metrics, looks = process_metrics(readiness)
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        if settings.metrics_port is not None:
            looks["metrics"] = stack.enter_context(metrics_port(metrics, settings.metrics_port))
        async with bridges(
            settings, settings.sites, settings.redis_url, readiness, metrics, holder=secrets.token_hex(8)
        ) as services:
            await run_until(stop, {**services, **looks})
    log.info("stopped")


@asynccontextmanager
async def bridges(
    settings: Settings,
    sites: tuple[SiteSettings, ...],
    redis_url: str,
    readiness: Readiness,
    metrics: Metrics,
    holder: str,
) -> AsyncIterator[dict[str, Service]]:
    """The services that feed the sites; the connection behind them is closed on leaving.

    ``holder`` is who holds the leases. Where nobody else can be at this store it is always the same, and a start
    after a crash need not wait for the lease of the one that crashed.
    """
    async with AsyncExitStack() as stack:
        redis = open_client(redis_url, settings.redis_timeout_s)
        stack.push_async_callback(close_client, redis)
        store = _store(settings, redis)
        trace = stack.enter_context(_tracing(settings.trace_file)) if settings.trace_file else None

        def ingest(site: SiteSettings) -> Ingest:
            leader = _leader(settings, site.id, store, readiness, holder, trace)
            broker = _broker(settings, site, f"gateway-{site.id}-{secrets.token_hex(4)}")
            made = Ingest(
                site.id,
                broker,
                leader,
                SystemClock(),
                box=Box(site.dialect, site.topic_prefix, settings.raw),
                pace=_pace(settings),
                patience=Patience(settings.silent_after_intervals, settings.control_interval_s),
            )
            metrics.add(BridgeFigures(site.id, made, leader, broker.counts))
            return made

        services: dict[str, Service] = {}
        for site in sites:
            fed = ingest(site)
            services[f"bridge {site.id}"] = fed.run
            services[f"charge log {site.id}"] = _charge_log(settings, site, fed, redis).run
        yield services


def _charge_log(settings: Settings, site: SiteSettings, fed: Ingest, redis: Redis) -> ChargeLog:
    """With a client id that is always the same: under another one the box's messages could not be cleared."""
    zone, client = zone_of(site), f"gateway-{site.id}-log"
    answer_s = settings.box_log_answer_s
    made = ChargeLog(
        site.id,
        fed,
        RequestQueue(redis, answer_s=settings.redis_timeout_s),
        BoxLogQueue(redis, answer_s=settings.redis_timeout_s),
        SystemClock(),
        over_mqtt=OverMqtt(
            _broker(settings, site, client), client, zone, prefix=site.topic_prefix, answer_s=answer_s
        ),
        over_http=OverHttp(site.box_url or base_of(site.mqtt_url), zone, answer_s=answer_s),
        zone=zone,
        pace=LogPace(pause_s=settings.box_log_pause_s, unplug=Pauses(first_s=settings.box_log_unplug_s)),
    )
    fed.heard_by(made.take)
    return made


def _leader(
    settings: Settings, site: str, store: SiteStore, readiness: Readiness, holder: str, trace: Trace | None
) -> Leader:
    return Leader(
        store,
        site,
        holder=holder,
        new_id=lambda: secrets.token_hex(6),
        timing=Timing(lease_s=settings.lease_s),
        report=lambda state, reason: readiness.report(f"store for {site}", state, reason),
        trace=trace,
    )


def _store(settings: Settings, redis: Redis) -> SiteStore:
    return SiteStore(
        redis,
        stream_length=settings.stream_entries,
        events_kept=EventsKept(settings.events_kept_s, settings.event_entries),
        answer_s=settings.redis_timeout_s,
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        window_s=settings.ingest_window_ms / 1000,
        gather_s=settings.ingest_gather_ms / 1000,
        flood_quiet_s=settings.flood_quiet_s,
        flood_limit_s=settings.flood_limit_s,
    )


def _broker(settings: Settings, site: SiteSettings, client_id: str) -> Broker:
    return Broker(
        site.mqtt_url,
        client_id=client_id,
        username=site.mqtt_username,
        password=site.mqtt_password,
        fingerprint_sha256=site.mqtt_fingerprint,
        keepalive_s=settings.mqtt_keepalive_s,
        connect_deadline_s=settings.mqtt_connect_timeout_s,
        backoff_base_s=settings.reconnect_base_s,
        backoff_cap_s=settings.reconnect_cap_s,
    )


@contextmanager
def _tracing(path: Path) -> Iterator[Trace]:
    with path.open("a", encoding="utf-8", buffering=1) as file:

        def note(site: str, position: Position, messages: int) -> None:
            line = {"site": site, "epoch": position.epoch, "seq": position.seq, "messages": messages}
            file.write(json.dumps(line) + "\n")

        yield note
