import asyncio
import contextlib

from gateway.services.loop_lag import LoopLag
from tests.support.clock import FakeClock


async def test_what_a_sleep_takes_longer_is_the_lag() -> None:
    clock, naps = FakeClock(), iter((0.5, 0.502, 0.75, 0.4))

    async def sleep(_seconds: float) -> None:
        nap = next(naps, None)
        if nap is None:
            raise asyncio.CancelledError
        clock.advance(nap)

    lag = LoopLag(clock, every_s=0.5, sleep=sleep)
    with contextlib.suppress(asyncio.CancelledError):
        await lag.run()
    counts = dict(lag.seconds.at_most())
    assert (counts[0.001], counts[0.0025], counts[0.25]) == (2, 3, 4), "a clock that went slower is no lag"
    assert lag.seconds.count == 4
