"""A real uvicorn on a free port, and behind it the live half of the gateway with a real store."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial

from litestar import Litestar, Router
from litestar.di import Provide

from gateway.api.connections import Connections
from gateway.api.hosts import only_known_hosts
from gateway.api.live import Live, LiveTimes, live_socket
from gateway.domain.access import Login, Redeemed, Role
from gateway.domain.clock import SystemClock
from gateway.domain.errors import GatewayError, Unauthenticated
from gateway.domain.origins import Origins
from gateway.domain.values import Reading
from gateway.http import HttpLimits
from gateway.hub.hub import Hub
from gateway.protocol.flow import Pace
from gateway.protocol.messages import Limits
from gateway.run.ports import listen
from gateway.server import make_server
from gateway.services.rights import rights_of
from gateway.store.follow import Follower, Timing
from gateway.store.redis import SiteStore, open_client
from tests.support.store_writer import StoreWriter
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

SOON = Timing(block_s=0.2, poll_s=0.1, answer_s=1, retry_base_s=0.02, retry_cap_s=0.1)
FAR_FUTURE_S = 4_000_000_000.0
TOKEN = "a-good-token"


@asynccontextmanager
async def serving(
    app: Litestar,
    *,
    message_bytes: int = 65_536,
    pace: Pace | None = None,
    http: HttpLimits | None = None,
    frames: bool = True,
    send_bytes: int | None = None,
) -> AsyncIterator[str]:
    """Serve the app; gives ``host:port``. The server has ended when the context is left.

    ``frames`` False: uvicorn's own websockets, without the extension. ``send_bytes``: what the kernel takes for a
    connection beyond what the client's takes, instead of megabytes.
    """
    with closing(listen("127.0.0.1", 0)) as listening:
        if send_bytes is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        server = make_server(app, message_bytes=message_bytes, pace=pace or Pace(), http=http or HttpLimits())
        if not frames:
            server.config.ws = "websockets-sansio"
        host, port = listening.getsockname()
        async with asyncio.TaskGroup() as tasks:
            served = tasks.create_task(server.serve(sockets=[listening]))
            try:
                await eventually(lambda: server.started or served.done())
                yield f"{host}:{port}"
            finally:
                server.should_exit = True


class Tokens:
    """Who has which token, in the test's hands; an error instead of a login is raised."""

    def __init__(self) -> None:
        self.known: dict[str, Login | GatewayError] = {TOKEN: login()}
        self.asked_again = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def whoami(self, token: str) -> Login:
        await self.gate.wait()
        found = self.known.get(token, Unauthenticated("the token is unknown"))
        if isinstance(found, GatewayError):
            raise found
        return found

    async def still_valid(self, login: Login) -> bool:
        """Whether some token stands for the login; an error instead of one is raised here, too."""
        self.asked_again += 1
        for found in self.known.values():
            if isinstance(found, GatewayError):
                raise found
        return login in self.known.values()

    async def redeem(self, ticket: str, origin: str | None) -> Redeemed:
        """A ticket's name is the token of its login, the page's origin and the device."""
        token, made_for, device = ticket.split("~")
        found = await self.whoami(token)
        if made_for != (origin or "").removeprefix("http://"):
            raise Unauthenticated("the ticket is for another page")
        return Redeemed(found, device or None)


def login(token_id: int = 1, name: str = "anna", expires_at: float = FAR_FUTURE_S, user_id: int = 1) -> Login:
    return Login(
        token_id=token_id, user_id=user_id, name=name, role=Role.admin, scopes=("admin",), expires_at=expires_at
    )


class LiveGateway:
    """``writer`` plays the bridge; everything else is as in the web process."""

    def __init__(self, site: str, limits: Limits, writer: StoreWriter, hub: Hub, live: Live, tokens: Tokens) -> None:
        self.site = site
        self.limits = limits
        self.writer = writer
        self.hub = hub
        self.live = live
        self.tokens = tokens
        self.address = ""

    @property
    def url(self) -> str:
        return f"ws://{self.address}/api/v1/live"

    def caught_up(self) -> bool:
        """Whether the hub's mirror stands where the writer does."""
        state = self.hub._sites[self.site].state
        return state is not None and state.position == self.writer.position


@asynccontextmanager
async def live_gateway(
    redis: RedisPart,
    site: str,
    *,
    limits: Limits | None = None,
    readings: Mapping[str, Reading] | None = None,
    times: LiveTimes | None = None,
    pace: Pace | None = None,
    origins: Origins | None = None,
    send_bytes: int | None = None,
    holder: str = "one",
) -> AsyncIterator[LiveGateway]:
    """A gateway whose site is open with these readings; a second one at the same site needs another holder."""
    chosen = limits or Limits()
    tokens = Tokens()
    async with AsyncExitStack() as stack:
        client = open_client(redis.url)
        stack.push_async_callback(client.aclose)
        store = SiteStore(client)
        writer = StoreWriter(store, site, holder)
        await writer.lead(readings)
        clock = SystemClock()
        hub = Hub([site], clock, chosen)
        rights = partial(rights_of, sites={site})
        connections = Connections(chosen)
        live = Live(hub, tokens, rights, clock, connections, version="1.2.3", times=times)
        made = LiveGateway(site, chosen, writer, hub, live, tokens)
        follower = Follower(store, lambda: open_client(redis.url), timing=SOON, newest_events=chosen.replayed_events)
        follower.add(site)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        services = [tasks.create_task(follower.run(hub.on_step)), tasks.create_task(hub.run())]
        stack.callback(lambda: [service.cancel() for service in services])
        await eventually(made.caught_up)
        stack.push_async_callback(store.release, site, holder)
        app = Litestar(
            [Router("/api/v1", route_handlers=[live_socket])],
            dependencies={"live": Provide(lambda: live, sync_to_thread=False)},
            openapi_config=None,
            logging_config=None,
        )
        app.asgi_handler = only_known_hosts(app.asgi_handler, origins or Origins())
        pace = pace or Pace(full_bytes=chosen.unacknowledged_bytes)
        made.address = await stack.enter_async_context(serving(app, pace=pace, send_bytes=send_bytes))
        yield made
