"""The bridge between a real Mosquitto and a real Redis: faults are survived, told and healed."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.bridge.ingest import Pace
from gateway.domain.values import Position
from gateway.mqtt import Connection
from tests.support.bridge import START, LiveBox, bridge, living
from tests.support.parts import MosquittoPart, RedisPart, mosquitto
from tests.support.waiting import eventually


async def test_the_retained_flood_is_state_and_the_first_heartbeat_brings_the_link_up(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    box = LiveBox(mosquitto)
    await box.say(START)
    async with bridge(mosquitto, redis, site) as gateway:
        reading = await gateway.holds("grid/power_w", 1000.5)
        assert reading.changed_at is None
        assert reading.stale
        assert await gateway.value("link/state") == "connecting"
        await box.come_alive(gateway)
        reading = await gateway.holds("grid/power_w", 1000.5)
        assert reading.changed_at is None
        assert not reading.stale


async def test_a_change_gets_its_time_and_is_one_entry_with_its_neighbours(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        await box.say({"counter/0/get/power": 2000.5, "chargepoint/5/get/power": 11_000})
        changed = await gateway.holds("chargepoints/5/power_w", 11_000)
        assert changed.changed_at is not None
        assert not changed.stale


async def test_what_comes_in_one_go_is_one_entry_also_behind_a_pause(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    """The times are long here, so that the test's machine may take its own."""
    patient = Pace(window_s=3, gather_s=0.5, tick_s=0.02, flood_quiet_s=0.1, flood_limit_s=2)
    async with bridge(mosquitto, redis, site, pace=patient) as gateway:
        box = LiveBox(mosquitto)
        await box.say(START)
        await box.come_alive(gateway)
        before = await gateway.store.position(site)
        await box.say({f"pv/{number}/get/power": -1000 - number for number in range(20)})
        await gateway.holds("inverters/19/power_w", 1019)
        after = await gateway.store.position(site)
        assert before is not None
        assert after == Position(before.epoch, before.seq + 1)


async def test_an_equal_value_makes_no_entry(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        before = await gateway.store.position(site)
        for _ in range(5):
            await box.say({"counter/0/get/power": 1000.5, "chargepoint/5/get/power": 0})
        await box.say({"counter/0/get/power": 7.5})
        await gateway.holds("grid/power_w", 7.5)
        after = await gateway.store.position(site)
        assert before is not None
        assert after == Position(before.epoch, before.seq + 1)


async def test_a_broken_message_is_skipped_and_the_rest_goes_on(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        for garbage in (b"garbage{", b"\xff\xfe", b'"text"', b"[1,2]"):
            await box.say({"counter/0/get/power": garbage, "nonsense/5/x": garbage})
        await box.say({"chargepoint/5/get/power": 42})
        await gateway.holds("chargepoints/5/power_w", 42)
        assert await gateway.value("grid/power_w") == pytest.approx(1000.5)


async def test_a_removed_device_is_gone(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    box = LiveBox(mosquitto)
    await box.say(START)
    async with bridge(mosquitto, redis, site) as gateway:
        await gateway.holds("chargepoints/5/power_w", 0)
        await box.say({"chargepoint/5/get/power": b""})
        await gateway.has_not("chargepoints/5/power_w")


async def test_a_device_removed_between_two_subscriptions_is_gone(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds out what the box speaks asks for all once more. Red: what the first time brought still counted."""
    box = LiveBox(mosquitto)
    await box.say(START)
    unsubscribe = Connection.unsubscribe

    async def and_then_it_goes(connection: Connection, topics: Sequence[str]) -> None:
        await unsubscribe(connection, topics)
        await box.say({"chargepoint/5/get/power": b""})

    monkeypatch.setattr(Connection, "unsubscribe", and_then_it_goes)
    async with bridge(mosquitto, redis, site) as gateway:
        await box.come_alive(gateway)
        await gateway.has_not("chargepoints/5/power_w")
        assert await gateway.value("grid/power_w") == pytest.approx(1000.5)


async def test_what_vanished_while_nobody_looked_is_dropped_after_the_flood(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    box = LiveBox(mosquitto)
    await box.say(START)
    async with bridge(mosquitto, redis, site) as gateway:
        await gateway.holds("chargepoints/5/power_w", 0)
    await box.say({"chargepoint/5/get/power": b""})
    async with bridge(mosquitto, redis, site) as gateway:
        await gateway.has_not("chargepoints/5/power_w")
        assert await gateway.value("grid/power_w") == pytest.approx(1000.5)


async def test_a_killed_broker_makes_all_stale_and_its_return_heals(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        await mosquitto.kill()
        await gateway.holds("link/state", "down")
        assert await gateway.value("link/reason") == "unreachable"
        reading = await gateway.reading("grid/power_w")
        assert reading is not None
        assert reading.stale
        await mosquitto.start()
        await box.say({**START, "counter/0/get/power": 3.5})
        await box.come_alive(gateway)
        assert not (await gateway.holds("grid/power_w", 3.5)).stale


async def test_a_frozen_broker_is_noticed_and_healed(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        mosquitto.freeze()
        await gateway.holds("link/state", "down", within_s=20)
        mosquitto.thaw()
        await box.come_alive(gateway)


async def test_a_refused_password_is_told_and_healed_when_it_is_right(
    tmp_path: Path, redis: RedisPart, site: str
) -> None:
    async with (
        mosquitto(tmp_path / "guarded", users={"box": "other"}) as guarded,
        bridge(guarded, redis, site, username="box", password="right") as gateway,
    ):
        await gateway.holds("link/state", "down")
        assert await gateway.value("link/reason") == "bad_credentials"
        guarded.set_users({"box": "right"})
        await gateway.holds("link/state", "connecting")


async def test_a_restarted_redis_goes_on_in_the_same_epoch(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START, lease_s=60) as (box, gateway):
        before = await gateway.store.position(site)
        await redis.kill()
        await box.say({"counter/0/get/power": 5.5})
        await eventually(lambda: gateway.reports["store"][0] == "down")
        await redis.start()
        await gateway.holds("grid/power_w", 5.5)
        after = await gateway.store.position(site)
        assert before is not None
        assert after is not None
        assert after.epoch == before.epoch
        assert gateway.reports["store"] == ("ok", None)


async def test_a_redis_that_lost_everything_is_filled_again_in_a_new_epoch(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        before = await gateway.store.position(site)
        await gateway.redis.flushall()
        await box.say({"chargepoint/5/get/power": 6})
        await gateway.holds("chargepoints/5/power_w", 6)
        await gateway.holds("grid/power_w", 1000.5)
        after = await gateway.store.position(site)
        assert before is not None
        assert after is not None
        assert after.epoch != before.epoch
        assert after.seq >= before.seq + 1_000_000


async def test_a_second_bridge_waits_and_takes_over(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, START) as (box, first), bridge(mosquitto, redis, site) as second:
        await asyncio.sleep(0.5)  # a lease's third: time enough to try
        assert second.reports.get("store") == ("ok", None)
        assert not second.traced
        first.stop()
        await box.come_alive(second)


async def test_leaving_leaves_nothing_that_looks_live(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, START):
        pass
    async with bridge(mosquitto, redis, f"{site}-other") as onlooker:
        snapshot = await onlooker.store.load(site)
        assert snapshot is not None
        assert snapshot.readings["link/state"].value == "connecting"
        assert all(reading.stale for key, reading in snapshot.readings.items() if not key.startswith("link/"))
        assert await onlooker.redis.get(f"{{{site}}}:lease") is None


async def test_the_write_of_a_deposed_leader_is_refused_counted_and_its_last(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START, lease_s=600) as (box, first):
        await first.redis.delete(f"{{{site}}}:lease")
        async with bridge(mosquitto, redis, site) as second:

            async def refused() -> int:
                await box.beat(1)
                return first.leader.fence_rejects

            await eventually(refused, every_s=0.1)
            await eventually(lambda: not first.leader.leads)
            assert (first.leader.fence_rejects, second.leader.fence_rejects) == (1, 0)


async def test_a_deposed_leader_changes_nothing_when_it_stops(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    """Red when a resigning leader opens an epoch with its own old state, as it once did."""
    async with living(mosquitto, redis, site, START, lease_s=600) as (box, first):
        await first.redis.delete(f"{{{site}}}:lease")
        async with bridge(mosquitto, redis, site) as second:
            await box.come_alive(second)
        left = await first.store.position(site)
        first.stop()
        await eventually(lambda: first.stopped)
        assert left is not None
        assert await first.store.position(site) == left


async def test_the_trace_names_each_position_and_the_messages_in_it(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, START) as (box, gateway):
        await box.say({"counter/0/get/power": 5})
        await gateway.holds("grid/power_w", 5)
        position = await gateway.store.position(site)
        await eventually(lambda: gateway.traced and gateway.traced[-1][1] == position)
        counts = [messages for _, _, messages in gateway.traced]
        assert counts == sorted(counts)
        assert counts[-1] >= len(START) + 2
        assert {name for name, _, _ in gateway.traced} == {site}
