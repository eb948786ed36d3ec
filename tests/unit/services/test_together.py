import asyncio
import contextlib

import pytest

from gateway.domain.errors import DatabaseUnavailable
from gateway.services.together import Together


class Asked:
    """Even ids hold."""

    def __init__(self) -> None:
        self.rounds: list[set[int]] = []
        self.fails = False

    async def __call__(self, ids: frozenset[int]) -> frozenset[int]:
        self.rounds.append(set(ids))
        if self.fails:
            raise DatabaseUnavailable("away")
        return frozenset(one for one in ids if one % 2 == 0)


async def test_thousands_ask_once() -> None:
    """Red: each of them asked for itself."""
    asked = Asked()
    together = Together(asked, 0.01)
    answers = await asyncio.gather(*(together.holds(number % 5) for number in range(2_000)))
    assert asked.rounds == [{0, 1, 2, 3, 4}]
    assert answers == [number % 5 % 2 == 0 for number in range(2_000)]


async def test_who_asks_later_gets_a_new_answer() -> None:
    asked = Asked()
    together = Together(asked, 0)
    assert await together.holds(2)
    assert not await together.holds(3)
    assert asked.rounds == [{2}, {3}]


async def test_an_error_is_everybodys_and_the_next_round_is_well() -> None:
    asked = Asked()
    together = Together(asked, 0)
    asked.fails = True
    for answer in await asyncio.gather(together.holds(2), together.holds(4), return_exceptions=True):
        assert isinstance(answer, DatabaseUnavailable)
    asked.fails = False
    assert await together.holds(2)


@pytest.mark.parametrize("fails", [False, True])
async def test_who_waits_no_longer_takes_nobodys_answer_away(fails: bool) -> None:
    asked = Asked()
    asked.fails = fails
    together = Together(asked, 0.01)
    gone, stays = asyncio.ensure_future(together.holds(2)), asyncio.ensure_future(together.holds(2))
    await asyncio.sleep(0)
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    if fails:
        stays.cancel()  # nobody hears of the error, and that is no fault
        await asyncio.sleep(0.05)
    else:
        assert await stays
    assert asked.rounds == [{2}]
