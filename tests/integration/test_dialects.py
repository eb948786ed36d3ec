"""The bridge finds out which dialect a box speaks, and an update from 1.9 to 2.x needs no restart."""

import pytest

from gateway.domain.values import JsonValue
from tests.support.bridge import START, START_19, Bridge, LiveBox, bridge, living
from tests.support.captures import load_capture
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.waiting import eventually

ONLY_19 = "chargepoints/1/power_w"
ONLY_2 = "chargepoints/5/power_w"


async def keys(gateway: Bridge) -> set[str]:
    snapshot = await gateway.store.load(gateway.site)
    return set(snapshot.readings) if snapshot else set()


async def epoch(gateway: Bridge) -> str:
    position = await gateway.store.position(gateway.site)
    assert position is not None
    return position.epoch


async def speaks(gateway: Bridge, dialect: str | None) -> None:
    await gateway.holds("link/dialect", dialect)


async def test_a_recorded_19_replayed_through_the_bridge_shows_its_last_values(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    box = LiveBox(mosquitto)
    await box.play(load_capture("v19-retained"))
    async with bridge(mosquitto, redis, site) as gateway:
        await speaks(gateway, "openwb-1.9")
        await gateway.holds("box/time", 1_714_732_740.0)
        await box.play(load_capture("v19-session"))
        await gateway.holds("link/state", "up")
        await gateway.holds("box/time", 1_714_733_510.0)
        expected: dict[str, JsonValue] = {
            "box/version": "1.9.304",
            "chargepoints/1/name": "Ladepunkt Carport",
            "chargepoints/1/plugged": False,
            "chargepoints/1/mode": "stop",
            "chargepoints/2/mode": "stop",
            "chargepoints/1/energy_since_plugged_wh": 1790.0,
            "grid/power_w": -4214.0,
            "grid/powers_w": [-1350.0, -1349.0, -1344.0],
            "pv/power_w": 7003.0,
            "battery/soc_percent": 73.0,
            "vehicles/1/soc_percent": 46.0,
        }
        for key, value in expected.items():
            reading = await gateway.holds(key, value)
            assert not reading.stale, key
        assert not {key for key in await keys(gateway) if key.startswith(("chargepoints/3", "vehicles/2", "meters/"))}


async def test_a_19_that_is_switched_off_shows_its_last_values_as_stale(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    await LiveBox(mosquitto).say(START_19)
    async with bridge(mosquitto, redis, site) as gateway:
        assert (await gateway.holds(ONLY_19, 4100.0)).stale
        assert await gateway.value("link/dialect") == "openwb-1.9"
        assert await gateway.value("link/state") == "connecting"


async def test_before_anything_comes_the_dialect_is_not_known(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    box = LiveBox(mosquitto)
    async with bridge(mosquitto, redis, site) as gateway:
        await gateway.holds("link/state", "connecting")
        assert (await gateway.reading("link/dialect")) is not None
        assert await gateway.value("link/dialect") is None
        before = await epoch(gateway)
        await box.say(START_19)
        await box.come_alive(gateway, dialect="openwb-1.9")
        assert not (await gateway.holds(ONLY_19, 4100.0)).stale
        assert await epoch(gateway) == before


async def test_a_box_that_is_updated_while_we_run_begins_anew_in_the_new_dialect(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START_19, speaks="openwb-1.9") as (box, gateway):
        await gateway.holds(ONLY_19, 4100.0)
        before = await epoch(gateway)
        await box.say(START)
        await box.beat_until_it_speaks(gateway, "openwb-2")
        await box.come_alive(gateway)
        assert not (await gateway.holds("grid/power_w", 1000.5)).stale
        assert await epoch(gateway) != before
        assert ONLY_2 in await keys(gateway)
        assert ONLY_19 not in await keys(gateway)
        assert await gateway.value("chargepoints/5/name") == "Carport"
    # what the 1.9 left is still on the broker; a new leader begins with what the former one found out
    async with bridge(mosquitto, redis, site) as gateway:
        await box.come_alive(gateway)
        assert await gateway.value("link/dialect") == "openwb-2"
        assert ONLY_19 not in await keys(gateway)


async def test_an_update_with_a_restart_of_the_broker_is_seen_too(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START_19, speaks="openwb-1.9") as (box, gateway):
        before = await epoch(gateway)
        await mosquitto.kill()
        await gateway.holds("link/state", "down")
        await mosquitto.start()
        await box.say(START)
        await box.beat_until_it_speaks(gateway, "openwb-2")
        await box.come_alive(gateway)
        await gateway.holds("grid/power_w", 1000.5)
        assert await epoch(gateway) != before
        assert ONLY_19 not in await keys(gateway)


@pytest.mark.parametrize("first", ["openwb-1.9", "openwb-2"])
async def test_leftovers_of_19_beside_a_2x_are_not_read(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, first: str
) -> None:
    box = LiveBox(mosquitto)
    await box.say(START_19 | START if first == "openwb-1.9" else START | START_19)
    async with bridge(mosquitto, redis, site) as gateway:
        await gateway.holds("grid/power_w", 1000.5)
        await speaks(gateway, "openwb-2")
        await box.come_alive(gateway)
        before = await epoch(gateway)
        await mosquitto.kill()
        await gateway.holds("link/state", "down")
        await mosquitto.start()
        await box.say(START_19 | START)
        await box.come_alive(gateway)
        assert await epoch(gateway) == before
        assert await gateway.value("link/dialect") == "openwb-2"
        assert ONLY_19 not in await keys(gateway)


async def test_leftovers_of_2x_do_not_hide_a_19_that_lives(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    box = LiveBox(mosquitto)
    await box.say(START | START_19)
    async with bridge(mosquitto, redis, site) as gateway:
        await speaks(gateway, "openwb-2")
        await box.beat_until_it_speaks(gateway, "openwb-1.9")
        await box.come_alive(gateway, dialect="openwb-1.9")
        await gateway.holds(ONLY_19, 4100.0)
        assert ONLY_2 not in await keys(gateway)


@pytest.mark.parametrize(
    ("dialect", "mine", "other"), [("openwb-1.9", ONLY_19, ONLY_2), ("openwb-2", ONLY_2, ONLY_19)]
)
async def test_a_dialect_that_is_set_holds_whatever_comes(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, dialect: str, mine: str, other: str
) -> None:
    """Also what is known of the box from the time before it was set is no more."""
    box = LiveBox(mosquitto)
    await box.say(START | START_19)
    set_before = "openwb-2" if dialect == "openwb-1.9" else "openwb-1.9"
    async with bridge(mosquitto, redis, site, dialect=set_before) as gateway:
        await eventually_has(gateway, other)
        assert mine not in await keys(gateway)
    async with bridge(mosquitto, redis, site, dialect=dialect) as gateway:
        await eventually_has(gateway, mine)
        assert other not in await keys(gateway)
        await box.beat(4, dialect=set_before)
        await box.come_alive(gateway, dialect=dialect)
        assert await gateway.value("link/dialect") == dialect
        assert other not in await keys(gateway)


async def eventually_has(gateway: Bridge, key: str) -> None:
    async def there() -> bool:
        return key in await keys(gateway)

    await eventually(there, what=f"{key} is there")
