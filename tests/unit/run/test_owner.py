"""The owner of a process's services: one that fails or ends takes the process with it, loudly."""

import asyncio
import os
import signal

import pytest

from gateway.run.owner import ServiceEnded, run_until, stop_on_signals


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ZeroDivisionError


async def end() -> None:
    await asyncio.sleep(0)


async def test_it_stops_when_asked_and_ends_every_service() -> None:
    stop, ended = asyncio.Event(), []

    async def service() -> None:
        try:
            stop.set()
            await for_ever()
        finally:
            ended.append(True)

    await run_until(stop, {"one": service, "two": for_ever})
    assert ended == [True]


async def test_a_service_that_fails_ends_all_with_its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        await run_until(asyncio.Event(), {"sound": for_ever, "broken": fail})


async def test_a_service_that_ends_by_itself_is_a_failure() -> None:
    with pytest.raises(ServiceEnded, match="service short ended by itself"):
        await run_until(asyncio.Event(), {"sound": for_ever, "short": end})


async def test_an_error_inside_a_services_own_group_is_the_error() -> None:
    async def nested() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    with pytest.raises(ZeroDivisionError):
        await run_until(asyncio.Event(), {"nested": nested})


async def test_a_failure_while_stopping_is_not_lost() -> None:
    stop = asyncio.Event()

    async def stubborn() -> None:
        try:
            stop.set()
            await for_ever()
        finally:
            await fail()

    with pytest.raises(ZeroDivisionError):
        await run_until(stop, {"stubborn": stubborn})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_asks_to_stop(number: signal.Signals) -> None:
    with stop_on_signals() as stop:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await stop.wait()


async def test_a_service_whose_cancellation_got_lost_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.run.owner.CANCEL_AGAIN_S", 0.01)
    stop = asyncio.Event()
    lost: list[bool] = []

    async def forgetful() -> None:
        while len(lost) < 3:
            try:
                stop.set()
                await for_ever()
            except asyncio.CancelledError:
                lost.append(True)
        await for_ever()

    await run_until(stop, {"forgetful": forgetful})
    assert len(lost) == 3
