import asyncio

import pytest

from gateway.hub.outbox import Outbox
from gateway.protocol.frames import Frame


def of(size: int) -> Frame:
    """A frame of that size on the wire."""
    return Frame(b"x" * (size - 2))


async def test_sends_in_order_counts_and_tells_when_empty() -> None:
    outbox = Outbox(100)
    sent: list[int] = []
    drained: list[int] = []

    async def send(one: Frame) -> None:
        assert outbox.unacknowledged > 0
        sent.append(len(one))

    def on_drained() -> None:
        drained.append(len(sent))
        if len(drained) == 1:
            outbox.write(of(14))

    outbox.on_drained = on_drained
    for size in (11, 12, 13):
        outbox.write(of(size))
    assert outbox.unacknowledged == 36
    outbox.finish()
    await outbox.run(send)
    assert sent == [11, 12, 13]
    assert drained == [3]
    assert outbox.unacknowledged == 0


async def test_what_is_written_while_drained_goes_out_too() -> None:
    outbox = Outbox(100)
    sent: list[int] = []

    async def send(one: Frame) -> None:
        sent.append(len(one))
        if len(one) == 9:
            outbox.finish()

    outbox.on_drained = lambda: outbox.write(of(9))
    outbox.write(of(2))
    await outbox.run(send)
    assert sent == [2, 9]


async def test_room_is_below_the_bound() -> None:
    outbox = Outbox(10)
    going = asyncio.Event()

    async def send(_one: Frame) -> None:
        await going.wait()

    await outbox.room()
    outbox.write(of(10))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(outbox.run(send))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await outbox.room()
        going.set()
        await outbox.room()
        outbox.write(of(2))
        running.cancel()


async def test_an_error_of_sending_ends_it() -> None:
    outbox = Outbox(10)

    async def send(_one: Frame) -> None:
        raise ConnectionResetError

    outbox.write(of(2))
    with pytest.raises(ConnectionResetError):
        await outbox.run(send)
