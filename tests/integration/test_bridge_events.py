"""The events that a bridge writes, between a real Mosquitto and a real Redis: none twice, none lost."""

from typing import Any

import pytest

from gateway.domain.events import NO_EVENT
from tests.support.bridge import START, START_19, Bridge, LiveBox, bridge, living
from tests.support.dropping_proxy import dropping_proxy
from tests.support.parts import MosquittoPart, RedisPart
from tests.support.waiting import eventually

HEALTHY = {**START, "chargepoint/5/get/fault_state": 0, "chargepoint/5/get/fault_str": "Kein Fehler."}
FAULT = {"chargepoint/5/get/fault_str": "No contact.", "chargepoint/5/get/fault_state": 2}


async def events(gateway: Bridge, kind: str) -> list[dict[str, Any]]:
    page = await gateway.store.events_after(gateway.site, NO_EVENT, 1000)
    return [dict(entry.event.details) for entry in page.entries if entry.event.kind == kind]


async def links(gateway: Bridge) -> list[tuple[Any, ...]]:
    return [(one["before"], one["state"], one["reason"]) for one in await events(gateway, "link_changed")]


async def test_the_link_comes_up_and_is_lost(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, START) as (_box, gateway):
        assert await links(gateway) == [("connecting", "up", None)]
        await mosquitto.kill()
        await gateway.holds("link/state", "down")
        assert await links(gateway) == [("connecting", "up", None), ("up", "down", "unreachable")]
        page = await gateway.store.events_after(site, NO_EVENT, 1000)
        reading = await gateway.reading("link/state")
        assert reading is not None
        assert page.entries[-1].event.at == reading.changed_at


async def test_a_fault_comes_and_goes(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, HEALTHY) as (box, gateway):
        await box.say(FAULT)
        await box.say(FAULT)
        await gateway.holds("chargepoints/5/fault_state", 2)
        came = {"target": "chargepoints/5", "before": 0, "fault_state": 2, "fault_text": "No contact."}
        assert await events(gateway, "fault") == [came]
        await box.say({"chargepoint/5/get/fault_str": "Kein Fehler.", "chargepoint/5/get/fault_state": 0})
        await gateway.holds("chargepoints/5/fault_state", 0)
        went = {"target": "chargepoints/5", "before": 2, "fault_state": 0, "fault_text": None}
        assert await events(gateway, "fault") == [came, went]


async def test_an_update_of_the_box(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    async with living(mosquitto, redis, site, {**START, "system/version": "2.1.8"}) as (box, gateway):
        await box.say({"system/version": "2.1.9"})
        await gateway.holds("box/version", "2.1.9")
        assert await events(gateway, "box_updated") == [{"before": "2.1.8", "version": "2.1.9"}]


async def test_an_update_to_another_dialect_brings_no_faults_of_its_own(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    """The charge point with the number 1 is another one now."""
    old = {**START_19, "system/Version": b"1.9.304", "lp/1/faultState": b"0"}
    async with living(mosquitto, redis, site, old, speaks="openwb-1.9") as (box, gateway):
        await box.say({**START, "system/version": "2.1.9", "counter/0/get/fault_state": 2})
        await box.beat_until_it_speaks(gateway, "openwb-2")
        await gateway.holds("box/version", "2.1.9")
        await gateway.holds("grid/fault_state", 2)
        assert await events(gateway, "box_updated") == [{"before": "1.9.304", "version": "2.1.9"}]
        assert await events(gateway, "fault") == []


async def test_a_restart_tells_what_changed_meanwhile_and_nothing_else(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    before = {**HEALTHY, "counter/0/get/fault_state": 1, "system/version": "2.1.8"}
    async with living(mosquitto, redis, site, before) as (box, _gateway):
        pass
    await box.say(FAULT)
    async with bridge(mosquitto, redis, site) as gateway:
        await box.come_alive(gateway)
        assert await links(gateway) == [
            ("connecting", "up", None),
            ("up", "connecting", None),
            ("connecting", "up", None),
        ]
        assert [one["target"] for one in await events(gateway, "fault")] == ["chargepoints/5"]
        assert await events(gateway, "box_updated") == []


async def test_a_lost_answer_doubles_no_event(mosquitto: MosquittoPart, redis: RedisPart, site: str) -> None:
    """Red: with a leader that sends the events once more in a batch of their own."""
    box = LiveBox(mosquitto)
    await box.say(HEALTHY)
    async with dropping_proxy(redis.port) as proxy, bridge(mosquitto, redis, site, redis_url=proxy.url) as gateway:
        await box.come_alive(gateway)
        proxy.drop_answer_to(b"No contact.")
        await box.say(FAULT)
        await eventually(lambda: proxy.dropped)
        proxy.drop_answer_to(b"fault_state")
        await box.say({"chargepoint/5/get/fault_state": 1})
        await eventually(lambda: proxy.dropped == 2)
        await box.say({"chargepoint/5/get/power": 7})
        await gateway.holds("chargepoints/5/power_w", 7)
        assert [one["fault_state"] for one in await events(gateway, "fault")] == [2, 1]


async def test_what_happened_while_the_store_was_away_is_told_later(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    async with living(mosquitto, redis, site, HEALTHY, lease_s=60) as (box, gateway):
        await redis.kill()
        await box.say({"chargepoint/5/get/power": 1})
        await eventually(lambda: gateway.reports["store"][0] == "down")
        for state in (2, 0, 1):
            await box.say({"chargepoint/5/get/fault_state": state, "chargepoint/5/get/power": state})
        await redis.start()
        await gateway.holds("chargepoints/5/fault_state", 1)
        assert [one["fault_state"] for one in await events(gateway, "fault")] == [2, 0, 1]


@pytest.mark.parametrize("everything", [False, True])
async def test_events_of_a_refused_write_go_with_the_new_epoch(
    mosquitto: MosquittoPart, redis: RedisPart, site: str, *, everything: bool
) -> None:
    """Red: with a leader that forgets the events of what was refused."""
    async with living(mosquitto, redis, site, HEALTHY, lease_s=60) as (box, gateway):
        before = await gateway.store.position(site)
        if everything:
            await gateway.redis.flushall()
        else:
            await gateway.redis.hincrby(f"{{{site}}}:meta", "seq", -1)
        await box.say(FAULT)
        await gateway.holds("chargepoints/5/fault_state", 2)
        after = await gateway.store.position(site)
        assert before is not None
        assert after is not None
        assert after.epoch != before.epoch
        assert [one["fault_state"] for one in await events(gateway, "fault")] == [2]


async def test_a_write_cut_short_by_the_end_is_sent_again_before_the_farewell(
    mosquitto: MosquittoPart, redis: RedisPart, site: str
) -> None:
    """The store takes it when it thaws; the farewell repeats it as it was.

    Red: with a leader that opens an epoch then, with the same events.
    """
    async with living(mosquitto, redis, site, HEALTHY, lease_s=60) as (box, gateway):
        before = await gateway.store.position(site)
        redis.freeze()
        await box.say(FAULT)
        await eventually(lambda: gateway.ingest._leader._unanswered is not None)
        gateway.stop()
        redis.thaw()
        await eventually(lambda: gateway.stopped)
    async with bridge(mosquitto, redis, f"{site}-other") as onlooker:
        page = await onlooker.store.events_after(site, NO_EVENT, 1000)
        told = [entry.event.details.get("fault_state", entry.event.details.get("state")) for entry in page.entries]
        assert told == ["up", 2, "connecting"]
        after = await onlooker.store.position(site)
        assert before is not None
        assert after is not None
        assert after.epoch == before.epoch
