"""Everything in one process: the embedded parts where none is configured, bridge, recorder and web server.

What is started last ends first: the server, the recorder, the bridge (which says farewell to the store), then the
store itself.
"""

import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack, closing

import msgspec

from gateway.domain.clock import SystemClock
from gateway.run.bridge import bridges
from gateway.run.demo import simulated_box
from gateway.run.figures import process_metrics
from gateway.run.folder import DISK, own_folder, space_watch
from gateway.run.greeting import Runs, box_of, farewell, greet, reachable, without_secrets
from gateway.run.owner import Service, stop_on_signals
from gateway.run.plan import DATABASE_FILE, DEMO, Plan, demo_site, plan, stores_of
from gateway.run.ports import address, listen
from gateway.run.recorder import recorders, recording
from gateway.run.web import DATABASE, STORE, serve, web
from gateway.services.auth import SetupToken
from gateway.services.readiness import Readiness
from gateway.settings import Settings
from gateway.store.embedded import EmbeddedValkey

# Ctrl-C at home: there is no other process to which clients could be spread
MOST_DRAIN_S = 1.0
EMBEDDED_STORE = "Valkey, embedded"
EMBEDDED_DATABASE = f"SQLite, {DATABASE_FILE}"


async def run_up(settings: Settings) -> None:
    """``openwb-gateway up``: until a signal."""
    chosen = plan(settings)
    recording(settings)  # what is wrong with it is told before anything is started
    async with AsyncExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        stack.enter_context(own_folder(chosen.data_dir))
        listening = stack.enter_context(closing(listen(settings.host, settings.port)))
        services: dict[str, Service] = {}
        sites = settings.sites
        named = tuple((site.id, box_of(site)) for site in sites)
        if chosen.demo:
            box = await stack.enter_async_context(simulated_box(settings))
            sites, named = (demo_site(box.url),), ((DEMO, f"a simulated openWB: {box.scene.title}"),)
            services.update(box.services)
        redis_url, holder = settings.redis_url, secrets.token_hex(8)
        if redis_url is None:
            holder = "embedded"  # nobody else can be at that store
            valkey = EmbeddedValkey(chosen.data_dir)
            redis_url = await stack.enter_async_context(valkey)
            services["embedded store"] = valkey.run
        shared = stores_of(settings, chosen.data_dir, redis_url)
        readiness = Readiness(SystemClock(), (STORE, DATABASE, DISK))
        services["disk"] = space_watch(readiness, chosen.data_dir).run
        metrics, looks = process_metrics(readiness)
        fed = bridges(settings, sites, redis_url, readiness, metrics, holder)
        services.update(await stack.enter_async_context(fed) | looks)
        recorded = recorders(settings, sites, readiness, metrics, shared)
        services.update(await stack.enter_async_context(recorded))
        announce = _announcer(settings, address(listening), chosen, named)
        served = web(settings, sites, readiness, metrics, announce, shared, links_count=True)
        made = await stack.enter_async_context(served)
        services.update(made.services)
        drain_s = min(settings.drain_s, MOST_DRAIN_S)
        await serve(msgspec.structs.replace(made, services=services, drain_s=drain_s), listening, settings, stop)
    farewell()


def _announcer(
    settings: Settings, bound: str, chosen: Plan, sites: tuple[tuple[str, str], ...]
) -> Callable[[SetupToken | None], None]:
    here = reachable(bound)
    base = settings.public_url[0] if settings.public_url else here

    def announce(link: SetupToken | None) -> None:
        greet(
            Runs(
                page=base,
                here=here,
                sites=sites,
                store=without_secrets(settings.redis_url) if settings.redis_url else EMBEDDED_STORE,
                database=without_secrets(settings.database_url) if settings.database_url else EMBEDDED_DATABASE,
                data_dir=chosen.data_dir,
                demo=chosen.demo,
                setup_link=link.link(base) if link else None,
            )
        )

    return announce
