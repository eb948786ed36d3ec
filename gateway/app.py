"""The web application, put together from its parts. No I/O here: the parts are ready, or heal by themselves."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from gateway.api import (
    auth,
    catalogue,
    charge_sessions,
    docs,
    energy_sources,
    events,
    health,
    history,
    live,
    metrics,
    page,
    sites,
    statistics,
    upgrade,
)
from gateway.api.addresses import without_tokens
from gateway.api.connections import Connections
from gateway.api.errors import exception_handlers
from gateway.api.files import Folder
from gateway.api.guards import bearer_guard
from gateway.api.headers import with_safe_headers
from gateway.api.hosts import only_known_hosts
from gateway.api.live import Live, LiveTimes, RightsOf
from gateway.api.metrics import local_or_admin
from gateway.api.sites import SiteInfo, Sites
from gateway.api.upgrade import websockets_only_at
from gateway.db.engine import Database
from gateway.domain.clock import Clock
from gateway.domain.figures import limits_tally
from gateway.domain.origins import Origins
from gateway.hub.hub import Hub
from gateway.protocol.messages import Limits
from gateway.services.auth import AuthService
from gateway.services.charge_sessions import ChargeSessions, OpenSessions
from gateway.services.energy_sources import EnergySources
from gateway.services.events import Events
from gateway.services.history import History
from gateway.services.metrics import Metrics
from gateway.services.readiness import Readiness
from gateway.services.rights import rights_of
from gateway.store.redis import SiteStore
from gateway.store.samples import SampleQueue

API = "/api/v1"
MAX_BODY_BYTES = 16_384

# Handlers below /api/v1. Those behind the login are the rule; each exception says who it is.
OPEN: tuple[ControllerRouterHandler, ...] = (auth.login, auth.setup, auth.check_setup)
BEHIND_LOGIN: tuple[ControllerRouterHandler, ...] = (
    auth.logout,
    auth.ticket,
    auth.me,
    sites.list_sites,
    sites.one_site,
    sites.site_values,
    events.site_events,
    charge_sessions.list_charge_sessions,
    charge_sessions.current_charge_sessions,
    charge_sessions.one_charge_session,
    charge_sessions.correct_charge_session,
    statistics.charge_statistics,
    statistics.reconcile_months,
    history.site_history,
    history.site_history_csv,
    energy_sources.site_energy_sources,
    catalogue.catalogue,
)
# Websockets say who they are in their first message.
SOCKETS: tuple[ControllerRouterHandler, ...] = (live.live_socket, upgrade.live_without_upgrade)
OUTSIDE: tuple[ControllerRouterHandler, ...] = (health.live, health.ready, page.index, page.file)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What the application is made of; who made them also ends them."""

    clock: Clock
    sites: tuple[SiteInfo, ...]
    hub: Hub
    store: SiteStore
    database: Database
    open_sessions: OpenSessions
    zones: Mapping[str, ZoneInfo]
    samples: SampleQueue
    record_period_ms: int = 60_000
    auth: AuthService
    readiness: Readiness
    metrics: Metrics
    page_dir: Path
    version: str
    connections: Connections
    origins: Origins
    limits: Limits = Limits()
    live_times: LiveTimes = LiveTimes()


def create_app(parts: Parts) -> Litestar:
    """The application: REST, the websocket, the page and the documentation."""
    rights = partial(rights_of, sites=frozenset(site.id for site in parts.sites))
    app = Litestar(
        route_handlers=[
            Router(API, route_handlers=[*OPEN, *SOCKETS]),
            Router(
                API,
                route_handlers=list(BEHIND_LOGIN),
                guards=[bearer_guard(parts.auth)],
                security=[{docs.SCHEME: []}],
            ),
            *OUTSIDE,
            _metrics_router(parts.auth),
        ],
        dependencies={
            "connections": _given(parts.connections),
            "auth": _given(parts.auth),
            "charge_sessions": _given(_charge_sessions(parts, rights)),
            "energy_sources": _given(EnergySources(parts.database, rights, parts.zones, parts.clock)),
            "events": _given(Events(parts.store, rights)),
            "history": _given(_history(parts, rights)),
            "live": _given(_live(parts, rights)),
            "metrics": _given(parts.metrics),
            "page": _given(Folder(parts.page_dir, page.POLICY)),
            "readiness": _given(parts.readiness),
            "sites": _given(Sites(parts.sites, parts.hub, parts.limits)),
        },
        exception_handlers=exception_handlers(parts.connections.counts.limited),
        openapi_config=docs.openapi(parts.version),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        debug=False,
    )
    # around everything, because Litestar's own hooks miss unknown paths or cost each websocket frame a call
    guarded = without_tokens(websockets_only_at(app.asgi_handler, f"{API}/live"))
    app.asgi_handler = with_safe_headers(only_known_hosts(guarded, parts.origins))
    return app


def create_metrics_app(shown: Metrics) -> Litestar:
    """``/metrics`` alone, for a process that serves nothing else, and for this machine only: it knows no users."""
    app = Litestar(
        route_handlers=[_metrics_router(None)],
        dependencies={"metrics": _given(shown)},
        exception_handlers=exception_handlers(limits_tally()),
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = with_safe_headers(app.asgi_handler)
    return app


def _metrics_router(auth: AuthService | None) -> Router:
    return Router("/", route_handlers=[metrics.page], guards=[local_or_admin(auth)])


def _given(one: object) -> Provide:
    """What handlers ask for by its name, made once."""
    return Provide(lambda: one, sync_to_thread=False)


def _charge_sessions(parts: Parts, rights: RightsOf) -> ChargeSessions:
    return ChargeSessions(parts.database, parts.open_sessions, parts.zones, parts.hub, rights, parts.clock)


def _history(parts: Parts, rights: RightsOf) -> History:
    return History(parts.database, parts.samples, rights, parts.zones, parts.clock, period_ms=parts.record_period_ms)


def _live(parts: Parts, rights: RightsOf) -> Live:
    return Live(
        parts.hub, parts.auth, rights, parts.clock, parts.connections, version=parts.version, times=parts.live_times
    )
