"""What is live and what is stale, and what the link says, between a real Mosquitto, the bridge and a real Redis."""

from pathlib import Path

import pytest

from gateway.domain.link import Patience
from gateway.domain.values import Reading
from tests.support.bridge import START, Bridge, LiveBox, bridge, living
from tests.support.parts import MosquittoPart, RedisPart, mosquitto
from tests.support.waiting import eventually

SHORT = Patience(intervals_to_silence=0.05)  # of the ten seconds that the box tells: half a second
PLANT: dict[str, object] = {
    **START,
    "counter/0/get/fault_state": 0,
    "chargepoint/5/get/fault_state": 0,
    "chargepoint/6/get/power": 7000,
    "pv/get/power": -3000,
    "pv/1/get/power": -3000,
    "pv/1/get/fault_state": 0,
    "vehicle/1/get/soc": 42,
}


async def stale_keys(gateway: Bridge) -> set[str]:
    return {key for key, reading in (await readings(gateway)).items() if reading.stale}


async def readings(gateway: Bridge) -> dict[str, Reading]:
    snapshot = await gateway.store.load(gateway.site)
    assert snapshot is not None
    return snapshot.readings


async def all_stale(gateway: Bridge) -> None:
    """Wait until nothing but the link looks live."""

    async def stale() -> bool:
        return all(one.stale or key.startswith("link/") for key, one in (await readings(gateway)).items())

    await eventually(stale, what="all is stale")


async def test_a_box_that_is_switched_off_is_stale_and_live_again_when_it_is_back(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    """Its broker stays: so does a hung control, or a bridge of brokers in between."""
    async with living(mosquitto, redis, site, PLANT, patience=SHORT) as (box, gateway):
        await gateway.holds("link/state", "silent")
        await all_stale(gateway)
        await box.say({"counter/0/get/power": 4.5})
        assert (await gateway.holds("grid/power_w", 4.5)).stale, "no heartbeat, no life"

        async def live_again() -> bool:
            await box.beat(1)
            reading = (await readings(gateway))["grid/power_w"]
            return reading.value == 4.5 and not reading.stale

        await eventually(live_again)


@pytest.mark.parametrize("step_s", [-3600, 3600, -0.001])
async def test_a_clock_that_is_set_is_no_death(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, step_s: float
) -> None:
    async with living(mosquitto, redis, site, PLANT, patience=SHORT) as (box, gateway):
        await gateway.holds("link/state", "silent")
        told = await gateway.value("box/time")
        assert isinstance(told, float)
        before = (await gateway.store.newest_events(site, 1)).newest
        await box.say({"system/time": told + step_s})
        await gateway.holds("box/time", round(told + step_s, 3))

        async def came_up() -> bool:
            """It may be silent again already."""
            entries = (await gateway.store.events_after(site, before, 10)).entries
            return any(entry.event.details["state"] == "up" for entry in entries)

        await eventually(came_up)


async def test_a_unit_in_fault_is_stale_with_the_sums_it_is_in(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, PLANT) as (box, gateway):
        assert await stale_keys(gateway) == set()
        await box.say({"pv/1/get/fault_state": 2, "pv/1/get/fault_str": "no answer"})
        assert not (await gateway.holds("inverters/1/fault_text", "no answer")).stale
        assert await stale_keys(gateway) == {"inverters/1/power_w", "pv/power_w"}
        await box.say({"pv/1/get/fault_state": 1, "chargepoint/5/get/fault_state": 2})
        await gateway.holds("chargepoints/5/fault_state", 2)
        found = await stale_keys(gateway)
        assert {"chargepoints/5/power_w", "chargepoints/5/name"} <= found
        assert not any(key.startswith(("chargepoints/6/", "pv/", "grid/", "vehicles/")) for key in found)


async def test_a_fault_from_before_the_connection_is_known_in_time(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, {**PLANT, "chargepoint/5/get/fault_state": 2}) as (_box, gateway):
        assert (await gateway.holds("chargepoints/5/power_w", 0)).stale
        assert not (await gateway.holds("chargepoints/6/power_w", 7000)).stale


async def test_missing_rights_are_told_and_granting_them_heals(tmp_path: Path, redis: RedisPart, site: str) -> None:
    rights = ["write openWB/#", "read openWB/system/#"]
    async with mosquitto(tmp_path / "guarded", rights=rights) as guarded:
        box = LiveBox(guarded)
        await box.say(PLANT)
        async with bridge(guarded, redis, site) as gateway:
            await gateway.holds("link/state", "no_rights")
            assert await gateway.value("link/reason") == "no_rights:full-access (chargepoint/#, counter/#)"
            await box.beat(3)
            assert await gateway.value("link/state") == "no_rights"
            guarded.set_rights(["readwrite openWB/#"])

            async def granted() -> bool:
                await box.say({"chargepoint/6/get/power": 7000})
                return await gateway.value("link/state") == "connecting"

            await eventually(granted, what="something comes through")
            await box.come_alive(gateway)
            assert (await gateway.holds("grid/power_w", 1000.5)).changed_at is None, (
                "retained: it was asked for again"
            )
            assert not (await gateway.holds("chargepoints/5/name", "Carport")).stale


async def test_keys_outlive_a_time_without_rights(tmp_path: Path, redis: RedisPart, site: str) -> None:
    """Not to see a charge point is not that it ceased to be."""
    async with mosquitto(tmp_path / "guarded", rights=["readwrite openWB/#"]) as guarded:
        box = LiveBox(guarded)
        await box.say(PLANT)
        async with bridge(guarded, redis, site) as gateway:
            await box.come_alive(gateway)
        guarded.set_rights(["write openWB/#", "read openWB/system/#"])
        async with bridge(guarded, redis, site) as gateway:
            await gateway.holds("link/state", "no_rights")
            assert (await gateway.holds("chargepoints/6/power_w", 7000)).stale


async def test_nothing_at_all_is_silence(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with bridge(mosquitto, redis, site, patience=Patience(usual_interval_s=0.3)) as gateway:
        await gateway.holds("link/state", "silent")
        assert await gateway.value("link/reason") is None


async def test_a_secondary_box_is_told_and_heals_when_it_becomes_the_primary(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    box = LiveBox(mosquitto)
    await box.say({**PLANT, "general/extern": True})
    async with bridge(mosquitto, redis, site) as gateway:
        await gateway.holds("link/state", "secondary")
        assert await gateway.value("link/reason") == "connect_to_primary"
        await box.beat(3)
        await all_stale(gateway)
        assert await gateway.value("link/state") == "secondary"
        await box.say({"general/extern": False})
        await box.come_alive(gateway)
        assert await stale_keys(gateway) == set()


async def test_a_bridge_that_was_thought_dead_leads_on(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    """Its lease ran out while it hung, and somebody said so; then it woke."""
    async with living(mosquitto, redis, site, PLANT, lease_s=600) as (box, gateway):
        await gateway.redis.delete(f"{{{site}}}:lease")
        said = await gateway.store.bridge_down(site, at=5.0, epoch="down", batch="b")
        assert said is not None
        await all_stale(gateway)
        await box.say({"counter/0/get/power": 7.5})
        assert not (await gateway.holds("grid/power_w", 7.5)).stale
        assert await gateway.value("link/state") == "up"
        position = await gateway.store.position(site)
        assert position is not None
        assert position.seq >= said.seq + 1_000_000
