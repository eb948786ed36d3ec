"""Rights that change while clients run: each view is reset to what may be seen now, and nothing else is seen after.

The session's rights function is exchanged in a real server; the oracle judges every message of every client.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.domain.access import Login
from gateway.domain.filters import Filter
from gateway.domain.values import Changes, Reading
from gateway.hub.views import Allowed, Rights
from gateway.protocol.messages import Limits
from tests.support.logging_client import Held, LoggingClient
from tests.support.oracle import Report, judge
from tests.support.oracle_logs import BrokerLog, Delivered, Granted
from tests.support.server import TOKEN, LiveGateway, live_gateway, login
from tests.support.stores import RedisPart
from tests.support.toy_gateway import CEASED, LINK, read
from tests.support.waiting import eventually

pytestmark = pytest.mark.no_cover  # what it starts is traced by the tests of its single rules, and slow when traced

CLIENTS = 12
AUDITOR = "the auditor's token"
KEYS = [
    *(f"chargepoints/{number}/{leaf}" for number in range(6) for leaf in ("power_w", "name", "meter_wh")),
    *(f"vehicles/{number}/soc_percent" for number in range(4)),
    "grid/power_w",
    "grid/imported_wh",
]
WISHES = (("#",), ("chargepoints/#",), ("+/power_w", "vehicles/#"), ("chargepoints/+/power_w",), ("grid/#",))
GRANTS = (
    ("grid/#", "chargepoints/1/#"),
    ("chargepoints/+/power_w",),
    ("vehicles/2/#", "chargepoints/#"),
    ("nothing/of/this",),
    ("#",),
)
INTERVALS_MS = (0, 0, 250)


class Site:
    """The test as bridge: it writes, and keeps what an independent subscriber would have heard."""

    def __init__(self, gateway: LiveGateway) -> None:
        self.gateway = gateway
        self.log: BrokerLog = []
        self.dice = random.Random(7)
        self._number = 0
        self.granted: tuple[str, ...] = ("#",)
        gateway.live.rights_of = self._rights_of

    def _rights_of(self, who: Login) -> Rights:
        return self.everything if who.name == "auditor" else self.own

    def everything(self, _site: str) -> Allowed:
        return Allowed(Filter.of(("#",)))

    def own(self, _site: str) -> Allowed:
        return Allowed(Filter.of(self.granted), self.granted)

    def grant(self, patterns: tuple[str, ...], clients: Sequence[LoggingClient]) -> None:
        """In one tick, as nobody asks for anything: other rights for all but the auditor."""
        self.granted = patterns
        hub = self.gateway.hub
        for member in [one for one in hub._members if one.rights == self.own]:
            hub.change_rights(member, self.own)
        state = hub.state(self.gateway.site)
        assert state is not None
        for client in clients:
            client.log.events.append(Granted(time.monotonic(), patterns, state.position.seq))

    async def change(self, count: int = 1) -> None:
        for _ in range(count):
            self._number += 1
            key = self.dice.choice(KEYS)
            ceases = self.dice.random() < 0.1
            self.log.append(Delivered(key, b"" if ceases else json.dumps(self._number).encode()))
            changes: Changes = {key: None if ceases else Reading(self._number, float(self._number))}
            await self.gateway.writer.append(changes)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """All the time."""
        going = True

        async def change() -> None:
            while going:
                await self.change()
                await asyncio.sleep(0.005)

        async with asyncio.TaskGroup() as group:
            group.create_task(change(), name="bridge")
            yield
            going = False

    def judge(self, clients: Sequence[LoggingClient], auditor: LoggingClient) -> Report:
        for client in (*clients, auditor):
            client.log.survives = True
        return judge(self.log, read, [one.log for one in clients], ceased=CEASED, auditor=auditor.log)


async def do_something(client: LoggingClient, dice: random.Random) -> None:
    """One request, or a break of the connection and a resume; all is answered when this returns."""
    one: Held = dice.choice(list(client.held.values()))
    luck = dice.random()
    if luck < 0.3:
        await client.update(one, keys=list(dice.choice(WISHES)))
    elif luck < 0.5:
        await client.update(one, paused=not one.paused)
    elif luck < 0.7:
        await client.subscribe(dice.choice(WISHES), dice.choice(INTERVALS_MS))
    elif luck < 0.9:
        await client.abort()
        await client.connect()
        await client.resume()
        if not client.held:
            await client.subscribe(dice.choice(WISHES))


async def settled(client: LoggingClient) -> None:
    for one in list(client.held.values()):
        await client.update(one, paused=False)


@asynccontextmanager
async def site_with(redis: RedisPart, name: str) -> AsyncIterator[Site]:
    values: dict[str, Any] = {**LINK, "link/state": "up", **dict.fromkeys(KEYS, 0)}
    readings = {key: Reading(value, 0.5) for key, value in values.items()}
    async with live_gateway(redis, name, readings=readings, limits=Limits(heartbeat_s=0.5)) as gateway:
        site = Site(gateway)
        site.log += [Delivered(key, b"0") for key in KEYS]
        gateway.tokens.known[AUDITOR] = login(2, "auditor")
        yield site


async def judged(
    redis: RedisPart, name: str, grants: Sequence[tuple[str, ...]], break_it: Callable[[Site], None] | None = None
) -> Report:
    """What the oracle says after these rights, one after the other."""
    async with site_with(redis, name) as made:
        if break_it is not None:
            break_it(made)
        url, dice = made.gateway.url, made.dice
        auditor = LoggingClient("auditor", url, AUDITOR, site=name)
        clients = [LoggingClient(f"client-{number}", url, TOKEN, site=name) for number in range(CLIENTS)]
        for number, client in enumerate((auditor, *clients)):
            await client.connect()
            await client.subscribe(WISHES[number % len(WISHES)], INTERVALS_MS[number % len(INTERVALS_MS)])
        async with made.changing():
            for patterns in grants:
                await asyncio.gather(*(do_something(client, dice) for client in clients))
                stalling = asyncio.gather(*(client.stall(0.3) for client in clients[:3]))
                made.grant(patterns, clients)
                await stalling
                await asyncio.gather(*(do_something(client, dice) for client in clients))
            await asyncio.gather(*(settled(client) for client in clients))
        held = [one for client in (auditor, *clients) for one in client.held.values()]
        await eventually(lambda: all(one.complete and one.seq >= made.gateway.writer.seq for one in held))
        report = made.judge(clients, auditor)
        print(report)
        for client in (auditor, *clients):
            await client.abort()
        return report


async def test_rights_that_change_reset_every_view_and_show_nothing_more(redis: RedisPart, site: str) -> None:
    report = await judged(redis, site, GRANTS)
    assert report.clean, str(report)
    assert report.tally.resets >= CLIENTS
    assert report.tally.final > CLIENTS
    assert report.tally.strict > 300


def forgets_who_is_there(made: Site) -> None:
    """Other rights hold only for what is subscribed later."""
    made.gateway.hub.change_rights = lambda *_: None  # type: ignore[method-assign] # this is breaking


def resets_without_cutting_down(made: Site) -> None:
    """Views are reset, and show all that was asked for."""
    made.own = lambda _site: Allowed(Filter.of(("#",)), made.granted)  # type: ignore[method-assign] # as above


@pytest.mark.parametrize(
    ("break_it", "kind"), [(forgets_who_is_there, "rights"), (resets_without_cutting_down, "outside")]
)
async def test_the_oracle_has_teeth_for_rights(
    redis: RedisPart, site: str, break_it: Callable[[Site], None], kind: str
) -> None:
    report = await judged(redis, site, GRANTS[:2], break_it)
    assert kind in report.kinds, str(report)
