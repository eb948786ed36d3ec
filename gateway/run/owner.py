"""The one owner of a process's background work.

A service that ends or fails by itself ends the whole process with its error: nothing goes on half alive.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping

Service = Callable[[], Awaitable[None]]


class Stopped(Exception):
    """The owner was asked to stop; never leaves this module."""


class ServiceEnded(RuntimeError):
    """A service that should run for ever came to an end."""


async def run_until(stop: asyncio.Event, services: Mapping[str, Service]) -> None:
    """Run the services side by side until ``stop`` is set; raises the error of the first that fails."""
    with contextlib.suppress(Stopped):
        try:
            async with asyncio.TaskGroup() as group:
                for name, service in services.items():
                    group.create_task(_for_ever(name, service), name=name)
                group.create_task(_raise_when(stop), name="stop")
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors


async def _for_ever(name: str, service: Service) -> None:
    await service()
    raise ServiceEnded(f"service {name} ended by itself")


async def _raise_when(stop: asyncio.Event) -> None:
    await stop.wait()
    raise Stopped


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    failures = [error for error in errors.exceptions if not isinstance(error, Stopped)]
    first = failures[0] if failures else errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


@contextlib.contextmanager
def stop_on_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets; a second one ends the process the hard way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
