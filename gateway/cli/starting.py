"""How a command that stays begins and ends: settings, log, limits, and one clear line for what stops it."""

import asyncio
import contextlib
import importlib.util
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable

import click
import structlog

from gateway.domain.errors import GatewayError, SettingsError
from gateway.run.logs import configure
from gateway.run.machine import clock_words
from gateway.settings import Settings, load

FAILED = 1
BAD_SETTINGS = 2

log = structlog.get_logger(__name__)


def stay(command: Callable[[Settings], Awaitable[None]], *, starts_programs: bool) -> None:
    """Run the command until it ends; a settings problem or a failed part ends the process, with status 2 or 1."""
    os.umask(0o077)
    _allow_many_sockets()
    try:
        settings = load(os.environ)
        configure(settings.log_level)
        if wrong := clock_words(time.time()):
            log.warning(wrong)
        with asyncio.Runner(loop_factory=None if starts_programs else _fast_loop()) as runner:
            runner.run(_awaited(command(settings)))
    except SettingsError as error:
        for line in error.message.splitlines():
            click.echo(f"openwb-gateway: {line}", err=True)
        sys.exit(BAD_SETTINGS)
    except GatewayError as error:
        click.echo(f"openwb-gateway: {error.message}", err=True)
        sys.exit(FAILED)
    except Exception:
        log.exception("a part failed; the process ends")
        sys.exit(FAILED)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop's where there is one: a quarter less CPU for each frame.

    Not for who starts programs: under load uvloop 0.23 now and then never tells the end of a child that was killed.
    """
    if importlib.util.find_spec("uvloop") is None:
        return None
    return importlib.import_module("uvloop").new_event_loop  # type: ignore[no-any-return]


def _allow_many_sockets() -> None:
    """Each connection is an open file, of which the usual soft limit allows 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # where the system has another limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _awaited(command: Awaitable[None]) -> None:
    await command
