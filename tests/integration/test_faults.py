"""Each fault of a simulated box, seen through a real broker, the bridge and a real Redis."""

import pytest

from gateway.domain.values import JsonValue
from gateway.simulator.openwb import SimulatedOpenwb
from gateway.simulator.simulation import Dialect
from tests.support.bridge import Bridge
from tests.support.mqtt_log import publish
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.rig import agrees, bridged, readings
from tests.support.waiting import eventually

LOCKED = "chargepoints/5/locked"
SET_LOCK = "openWB/set/chargepoint/5/set/manual_lock"
IMPORTED = "chargepoints/5/meter_wh"


async def is_up_and_right(box: SimulatedOpenwb, gateway: Bridge) -> None:
    """Nothing was lost, nothing is left over, and it looks live."""
    await gateway.holds("link/state", "up")
    await agrees(box, gateway)

    async def live() -> bool:
        return not [key for key, one in (await readings(gateway)).items() if one.stale]

    await eventually(live, what="nothing is stale")


async def all_stale(gateway: Bridge) -> None:
    async def stale() -> bool:
        return all(one.stale for one in (await readings(gateway)).values())

    await eventually(stale, what="everything is stale")


async def told(gateway: Bridge, kind: str) -> list[JsonValue]:
    """The states, or tags, that the events of a kind tell of."""
    newest = await gateway.store.newest_events(gateway.site, 1_000)
    happened = [entry.event for entry in newest.entries if entry.event.kind == kind]
    return [event.details.get("state", event.details.get("id_tag")) for event in happened]


@pytest.mark.parametrize("dialect", ["openwb-2", "openwb-2.1.7", "openwb-1.9"])
async def test_without_a_fault_the_gateway_holds_what_the_box_says(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, dialect: Dialect
) -> None:
    async with bridged(mosquitto, redis, site, dialect=dialect) as (box, gateway):
        await eventually(lambda: box.simulation.now_s - box.simulation.began_s > 60)
        await is_up_and_right(box, gateway)
        assert len(await readings(gateway)) > 60


@pytest.mark.parametrize("fault", ["silence 80", "disconnect 80"])
async def test_a_box_that_says_nothing_is_stale_until_it_speaks(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, fault: str
) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        box.faults.do(fault)
        await gateway.holds("link/state", "silent")
        await all_stale(gateway)
        await is_up_and_right(box, gateway)


async def test_garbage_gets_nowhere(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):

        async def ids(group: str) -> set[str]:
            return {key.split("/")[1] for key in await readings(gateway) if key.startswith(f"{group}/")}

        for _ in range(4):
            box.faults.garbage(20)
        odd = "openWB/chargepoint/abc/get/power"
        await eventually(lambda: odd in box.simulation.speech.retained)
        assert await ids("chargepoints") == {"5", "6"}
        await eventually(lambda: odd not in box.simulation.speech.retained)
        await is_up_and_right(box, gateway)
        assert await ids("chargepoints") == {"5", "6"}
        assert await ids("vehicles") <= {"0", "1", "3"}
        assert await told(gateway, "link_changed") == ["up"]


async def test_a_storm_of_nulls_loses_no_key(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        before = set(await readings(gateway))
        box.faults.nulls(30)
        await gateway.holds("grid/power_w", None)
        assert before <= set(await readings(gateway))

        async def is_read_again() -> bool:
            return await gateway.value("grid/power_w") is not None

        await eventually(is_read_again)
        await is_up_and_right(box, gateway)


@pytest.mark.parametrize("fault", ["jump chargepoint 5 4000", "jump chargepoint 5 -4000", "swap chargepoint 5"])
async def test_a_meter_that_jumps_is_told_as_it_is(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, fault: str
) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        before = await gateway.value(IMPORTED)
        assert isinstance(before, float)
        box.faults.do(fault)

        async def jumped() -> bool:
            now = await gateway.value(IMPORTED)
            return isinstance(now, float) and abs(now - before) > 3_000

        await eventually(jumped)
        await is_up_and_right(box, gateway)


@pytest.mark.parametrize("seconds", [3_600, -3_600, -86_400])
async def test_a_clock_that_is_set_is_no_silence(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, seconds: int
) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        before = await gateway.value("box/time")
        assert isinstance(before, float)
        box.faults.clock(seconds)

        async def jumped() -> bool:
            now = await gateway.value("box/time")
            return isinstance(now, float) and abs(now - before - seconds) < 300

        await eventually(jumped)
        await is_up_and_right(box, gateway)
        assert await told(gateway, "link_changed") == ["up"]


@pytest.mark.parametrize("dialect", ["openwb-2", "openwb-1.9"])
async def test_a_restart_is_no_news(mosquitto: MosquittoPart, redis: RedisPart, site: str, dialect: Dialect) -> None:
    """What comes once more as if it were live is known: a tag that was held up is not held up again."""
    async with bridged(mosquitto, redis, site, dialect=dialect) as (box, gateway):
        await eventually(lambda: box.simulation.now_s - box.simulation.began_s > 60)
        scans = await told(gateway, "id_tag_scanned")
        box.faults.restart()
        if dialect == "openwb-2":
            await gateway.holds("inverters/1/fault_state", 1)
            await gateway.holds("inverters/1/fault_state", 0)
        off_at_s = box.simulation.now_s
        await eventually(lambda: box.simulation.now_s > off_at_s + 30)
        await is_up_and_right(box, gateway)
        assert await told(gateway, "id_tag_scanned") == scans


async def test_a_refused_write_changes_nothing(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        await gateway.holds(LOCKED, False)
        box.faults.refuse(1_000)
        await publish(mosquitto.url, (SET_LOCK, "true"))
        asked_at_s = box.simulation.now_s
        await eventually(lambda: box.simulation.now_s > asked_at_s + 20)
        assert await gateway.value(LOCKED) is False
        await is_up_and_right(box, gateway)


async def test_an_answer_that_comes_late_comes(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        await gateway.holds(LOCKED, False)
        box.faults.late(20, 1_000)
        await publish(mosquitto.url, (SET_LOCK, "true"))
        asked_at_s = box.simulation.now_s
        await gateway.holds(LOCKED, True)
        assert box.simulation.now_s > asked_at_s + 15
        await is_up_and_right(box, gateway)


async def test_a_broker_that_was_away_costs_nothing(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with bridged(mosquitto, redis, site) as (box, gateway):
        await mosquitto.kill()
        await gateway.holds("link/state", "down")
        await all_stale(gateway)
        await mosquitto.start()
        await is_up_and_right(box, gateway)


@pytest.mark.parametrize("before", ["openwb-1.9", "openwb-2.1.7"])
async def test_an_update_begins_anew_in_the_new_dialect(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, before: Dialect
) -> None:
    async with bridged(mosquitto, redis, site, dialect=before) as (box, gateway):
        box.faults.update(10)
        await gateway.holds("link/dialect", "openwb-2")
        await gateway.holds("box/version", "2.2.2")
        assert "openWB/lp/1/W" in box.simulation.speech.retained or before == "openwb-2.1.7"
        await gateway.holds("link/state", "up")
