"""The one owner of a process's background work.

Rules:

* A service that ends or fails by itself ends the whole process with its error: nothing goes on half alive.
* Stopping is cancelling, again each second until all have ended: a cancellation that meets an error inside a
  service's own ``TaskGroup`` gets lost (CPython before 3.13).
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

Service = Callable[[], Awaitable[None]]
CANCEL_AGAIN_S = 1.0


class ServiceEnded(RuntimeError):
    """A service that should run for ever came to an end."""


async def run_until(stop: asyncio.Event, services: Mapping[str, Service]) -> None:
    """Run the services side by side until ``stop`` is set; raises the error of the first that fails."""
    tasks = [asyncio.create_task(_for_ever(name, service), name=name) for name, service in services.items()]
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        first = [task for task in tasks if task.done()]
    finally:
        await _end([*tasks, stopped])
    for task in [*first, *tasks]:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise _innermost(error)


async def _for_ever(name: str, service: Service) -> None:
    await service()
    raise ServiceEnded(f"service {name} ended by itself")


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


def _innermost(error: BaseException) -> BaseException:
    """The first error of nested groups, which is the one to tell."""
    return _innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


class Stop(asyncio.Event):
    """Set: stop in good order. ``at_once`` set as well: without waiting for anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = asyncio.Event()


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """SIGINT or SIGTERM asks to stop, a second one to hurry; a third one ends the process the hard way."""
    stop = Stop()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        if not stop.is_set():
            stop.set()
            return
        stop.at_once.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
