"""The command line. A settings problem or a failed part ends with one clear line each and a status other than 0."""

import asyncio
import contextlib
import os
import resource
import sys
from collections.abc import Awaitable, Callable

import click
import structlog

from gateway.cli.schema import schema
from gateway.cli.watch import watch
from gateway.domain.errors import GatewayError, SettingsError
from gateway.run.bridge import run_bridge
from gateway.run.logs import configure
from gateway.run.up import run_up
from gateway.run.web import run_web
from gateway.settings import Settings, load
from gateway.version import VERSION

FAILED = 1
BAD_SETTINGS = 2

log = structlog.get_logger(__name__)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION)
def cli() -> None:
    """A gateway that makes openWB charging safe and pleasant to use from outside."""


@cli.command()
def up() -> None:
    """Run everything in this process; without a box, a recorded one as the site demo."""
    _run(run_up)


@cli.command()
def web() -> None:
    """Run the web server: REST, websocket and page. Needs GATEWAY_REDIS_URL and GATEWAY_DATABASE_URL."""
    _run(run_web)


@cli.command()
def bridge() -> None:
    """Run the way from the boxes to the store. Needs GATEWAY_REDIS_URL and a site."""
    _run(run_bridge)


cli.add_command(watch)
cli.add_command(schema)


def main() -> None:
    """The entry point of ``openwb-gateway``."""
    cli(prog_name="openwb-gateway")


def _run(command: Callable[[Settings], Awaitable[None]]) -> None:
    os.umask(0o077)
    _allow_many_sockets()
    try:
        settings = load(os.environ)
        configure(settings.log_level)
        asyncio.run(_awaited(command(settings)))
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


def _allow_many_sockets() -> None:
    """Each connection is an open file, of which the usual soft limit allows 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # where the system has another limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _awaited(command: Awaitable[None]) -> None:
    await command
