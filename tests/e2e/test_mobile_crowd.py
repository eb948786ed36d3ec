"""A thousand phones wake together, as after a radio cell's or a gateway's outage. Judged by counts, not by clocks."""

import asyncio
import json
import signal
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.crowd import Phone
from tests.support.home import SITE, Home, home
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

# what it starts is traced by the tests of its single rules, and slow when traced
pytestmark = [pytest.mark.long, pytest.mark.no_cover]

PHONES = 1000
KEYS = tuple(f"vehicles/{number}/range_km" for number in range(300))
PATIENT = {"heartbeat_s": 3600, "auth_deadline_s": 60, "gone_after_s": 3600}  # how busy the machine is must not count
WELCOME = {"hello": 1, "authenticated": 1, "subscribed": 1}


async def woken(at_home: Home, phones: Sequence[Phone]) -> None:
    """All at once, until each shows what the bridge wrote; after one exchange with the server, each."""

    async def one(phone: Phone) -> None:
        await phone.wake("127.0.0.1", at_home.web.port, SITE)
        await phone.until(at_home.writer.seq)

    async with asyncio.TaskGroup() as group:
        for phone in phones:
            group.create_task(one(phone))
    wanted = {key: [reading.value, reading.changed_at] for key, reading in at_home.readings.items()}
    assert all(phone.values == wanted and phone.said == 2 for phone in phones)


async def all_asleep(phones: Iterable[Phone]) -> None:
    await asyncio.gather(*(phone.sleep() for phone in phones))


async def encoded(at_home: Home) -> int:
    """How many frames the only group has encoded."""
    said = at_home.web.log.count('{"encoded"')
    at_home.web.signal(signal.SIGUSR1)
    await eventually(lambda: at_home.web.log.count('{"encoded"') > said)
    [line] = [line for line in at_home.web.log.splitlines() if line.startswith('{"encoded"')][said:]
    [count] = json.loads(line)["encoded"]
    return int(count)


async def test_a_thousand_phones_wake_together(tmp_path: Path, redis: RedisPart) -> None:
    """New, back after a short sleep, and back after the bridge began anew: one exchange each, encoded once."""
    quiet = home(tmp_path, redis, keys=KEYS, module="tests.support.counted", **PATIENT)
    async with quiet as at_home, AsyncExitStack() as away:
        token = await asyncio.to_thread(at_home.web.log_in)
        phones = [Phone(f"phone-{number}", token) for number in range(PHONES)]
        away.push_async_callback(all_asleep, phones)
        await woken(at_home, phones)
        parts = phones[0].got["snapshot"]
        assert all(phone.got == {**WELCOME, "snapshot": parts} for phone in phones)
        assert await encoded(at_home) == parts

        [awake, *others] = phones
        await all_asleep(others)
        await at_home.change(20)
        await awake.until(at_home.writer.seq)
        assert awake.got["delta"] == 20
        await woken(at_home, others)
        assert {phone.how for phone in others} == {"resumed"}
        assert all(phone.got == {**WELCOME, "delta": 1} for phone in others)
        assert await encoded(at_home) == parts + 20 + 1, "what they had missed, once for all"

        await all_asleep(phones)
        await at_home.new_epoch()
        await woken(at_home, phones)
        assert all(phone.got == {**WELCOME, "snapshot": parts} for phone in phones)
        assert await encoded(at_home) == parts
