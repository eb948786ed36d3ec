"""Phones: put to sleep, carried to another network, with a wrong clock, behind a hotel's login page.

Each time the phone shows the right values after at most two round trips on its connection: one to prove who it is,
one to go on from what it holds. Times are scaled: the server gives a phone up after 6 s instead of 120.
"""

import asyncio
import os
from functools import partial
from pathlib import Path

import pytest

from tests.support.gateway import INHERITED
from tests.support.home import GONE_AFTER_S, QUICK, RESUME_ENTRIES, SITE, home
from tests.support.moody_proxy import Passage
from tests.support.phone import PhonePart, WrongClock
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

pytestmark = pytest.mark.no_cover  # what it starts is traced by the tests of its single rules, and slow when traced

MOST_ROUND_TRIPS = 2
TWO_HOURS_S = 7200.0


async def test_a_frozen_phone_is_right_at_once_after_30_s_10_min_and_8_h(tmp_path: Path, redis: RedisPart) -> None:
    """SIGSTOP. 30 s: the server still has it. 10 min: it was given up, and resumes. 8 h: too far back for that."""
    async with home(tmp_path, redis) as at_home:
        environ = {name: os.environ[name] for name in INHERITED if name in os.environ}
        given = {"url": at_home.url, "base": at_home.base, "site": SITE, "keys": ["#"]}
        timing = {name: getattr(QUICK, name) for name in QUICK.__struct_fields__}
        async with PhonePart(tmp_path / "phone", environ, **given, timing=timing) as phone:
            await eventually(lambda: phone.diary().shows(at_home.values))

            async def thawed() -> int:
                """The line from which on it was awake; when it shows what happened meanwhile."""
                asleep = len(phone.diary().lines)
                phone.thaw()
                await eventually(lambda: phone.diary().shows(at_home.values), within_s=20)
                assert phone.diary().round_trips(at_home.values, asleep) <= MOST_ROUND_TRIPS
                return asleep

            phone.freeze()
            await at_home.change(30)
            await asyncio.sleep(GONE_AFTER_S / 4)
            asleep = await thawed()
            await eventually(lambda: "pong" in [line.get("type") for line in phone.diary().lines[asleep:]])
            assert phone.diary().types("sent").count("auth") == 1, "30 s: the connection was kept"

            for how, happens in (("resumed", 30), ("snapshot", 2 * RESUME_ENTRIES)):
                phone.freeze()
                await at_home.change(happens)
                await eventually(lambda: at_home.network.passages[-1].left, within_s=30, what="it was given up")
                asleep = await thawed()
                hows = [line["how"] for line in phone.diary().lines[asleep:] if line.get("type") == "subscribed"]
                assert hows == [how]
            assert phone.diary().types("sent").count("auth") == 3


async def test_a_new_network_while_the_old_socket_hangs_half_open(tmp_path: Path, redis: RedisPart) -> None:
    """Told of it, it proves the connection at once; not told, it finds out by the silence. Nobody is left behind."""
    async with home(tmp_path, redis) as at_home, at_home.phone() as (client, diary):
        await eventually(lambda: diary.shows(at_home.values))
        left_behind: list[Passage] = []
        for told in (True, False):
            left_behind += at_home.network.swallow()
            await at_home.change(10)
            if told:
                client.wake()
            await eventually(lambda: diary.shows(at_home.values), within_s=20)
            assert diary.round_trips(at_home.values) <= MOST_ROUND_TRIPS
            assert diary.types("received").count("subscribed") == diary.types("sent").count("auth")
        await eventually(lambda: all(one.left for one in left_behind), within_s=30, what="the server gave them up")
        assert client.connections == 3


async def test_phones_whose_clocks_are_wrong(tmp_path: Path, redis: RedisPart) -> None:
    """Off from the start, and set under way: values, freshness and the connection do not care."""
    fast, slow = WrongClock(TWO_HOURS_S), WrongClock(-TWO_HOURS_S)
    async with (
        home(tmp_path, redis) as at_home,
        at_home.phone(fast) as (ahead, ahead_diary),
        at_home.phone(slow, device="other") as (behind, behind_diary),
    ):
        phones = ((ahead, ahead_diary, fast), (behind, behind_diary, slow))
        for _ in range(3):
            fast.off_s, slow.off_s = slow.off_s, fast.off_s
            await at_home.change(5)
            for client, diary, _ in phones:
                await eventually(partial(diary.shows, at_home.values))
                told = client.server_time()
                assert told is not None
                assert abs(told - WrongClock().now()) < TWO_HOURS_S / 2
                assert client.connections == 1
        for client, diary, _ in phones:
            client.drop_connection()
            await at_home.change(5)
            await eventually(partial(diary.shows, at_home.values))
            assert diary.round_trips(at_home.values) <= MOST_ROUND_TRIPS
            assert client.connections == 2
            assert not any(stale for view in diary.views() for _, stale in view["values"].values())


async def test_a_captive_portal_is_no_gateway_and_no_reason_to_give_up(tmp_path: Path, redis: RedisPart) -> None:
    """It answers login and handshake with 200 and a page; what is held meanwhile is not called live."""
    async with home(tmp_path, redis) as at_home, at_home.phone() as (client, diary):
        await eventually(lambda: diary.shows(at_home.values))
        [subscription] = client._subscriptions
        at_home.network.portal = True
        at_home.network.swallow()
        client.wake()
        await at_home.change(10)
        await eventually(lambda: at_home.network.asked >= 3, within_s=20)
        assert not client.vouches(subscription)
        assert client.status.phase in ("connecting", "waiting")
        at_home.network.portal = False
        client.wake()
        await eventually(lambda: diary.shows(at_home.values), within_s=20)
        assert diary.round_trips(at_home.values) <= MOST_ROUND_TRIPS
        assert client.vouches(subscription)
