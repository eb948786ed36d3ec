"""``openwb-gateway watch``: the live values of a site on a terminal, by way of the reference client.

It comes back by itself whatever happens to the network, the gateway or its parts, and ends only with Ctrl-C (status
0), with the reader of its pipe (status 0), or when the gateway says that coming back is pointless (status 1).
"""

import asyncio
import os
import random
import secrets
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec
from rich.console import Console

from gateway.cli.watch_outputs import Lines, Output, Screen, leave_the_pipe
from gateway.cli.watch_view import Known
from gateway.client import (
    GatewayClient,
    SiteName,
    Status,
    SteadyClock,
    Subscription,
    Token,
    password_login,
    sites,
    why,
)
from gateway.domain.clock import Clock
from gateway.domain.errors import GatewayError, InvalidArgument, NotFound, RateLimited
from gateway.domain.filters import Filter

DEFAULT_KEYS = (
    "+/power_w",
    "battery/soc_percent",
    "chargepoints/+/power_w",
    "chargepoints/+/plugged",
    "chargepoints/+/charging",
    "chargepoints/+/mode",
    "chargepoints/+/current_target_a",
    "chargepoints/+/energy_since_plugged_wh",
    "vehicles/+/soc_percent",
    "+/+/fault_text",
)
NAMES = ("chargepoints/+/name", "vehicles/+/name")
MOST_KEYS = 16
INTERVAL_MS = 250
TICK_S = 1.0
MOST_PAUSE_S = 30.0
FAILED = 1


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. An empty ``site``: the only one."""

    url: str
    site: str
    keys: tuple[str, ...]
    as_json: bool


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where the gateway's page is.")
@click.option("--site", default="", help="Which site; not needed where there is only one.")
@click.option("--user", default="admin", show_default=True, help="Who logs in, unless GATEWAY_TOKEN is set.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per change, on a terminal too.")
@click.argument("keys", nargs=-1)
def watch(url: str, site: str, user: str, as_json: bool, keys: tuple[str, ...]) -> None:
    """Show the live values of a site, in place; in a pipe one line per change.

    KEYS are patterns such as 'chargepoints/+/power_w' or 'grid/#'; without any, the most important values. The
    password is asked for, or taken from GATEWAY_PASSWORD; GATEWAY_TOKEN needs none.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise click.BadParameter(f"{url!r} is not http(s)://host[:port]", param_hint="--url")
    try:
        Filter.of(keys)
    except GatewayError as error:
        raise click.BadParameter(error.message, param_hint="KEYS") from error
    chosen = keys or DEFAULT_KEYS
    wishes = Wishes(
        url=url.rstrip("/"),
        site=site,
        keys=chosen + (NAMES if len(chosen) + len(NAMES) <= MOST_KEYS else ()),
        as_json=as_json,
    )
    token = _token(os.environ, wishes.url, user)
    try:
        asyncio.run(_watched(wishes, token))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        leave_the_pipe()
    except GatewayError as error:
        click.echo(f"openwb-gateway: {error.message}", err=True)
        sys.exit(FAILED)


def _token(environ: Mapping[str, str], url: str, user: str) -> str | Token:
    token = _secret(environ, "GATEWAY_TOKEN")
    if token:
        return token
    password = _secret(environ, "GATEWAY_PASSWORD")
    if not password and not sys.stdin.isatty():
        raise click.UsageError("set GATEWAY_PASSWORD or GATEWAY_TOKEN: there is no terminal to ask for the password")
    return password_login(url, user, password or click.prompt(f"Password of {user}", hide_input=True, err=True))


def _secret(environ: Mapping[str, str], name: str) -> str:
    """From the environment, or from the file that ``<name>_FILE`` names."""
    path = environ.get(f"{name}_FILE")
    if not path:
        return environ.get(name, "")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise click.UsageError(f"{name}_FILE: {error}") from error


async def _watched(wishes: Wishes, token: str | Token) -> None:
    """Until somebody ends it; SIGTERM as Ctrl-C does, so that the terminal gets its cursor back."""
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    lines = wishes.as_json or not sys.stdout.isatty()
    output: Output = Lines(sys.stdout, as_json=wishes.as_json) if lines else Screen(Console())
    try:
        with suppress(asyncio.CancelledError):
            await Watch(wishes, token, output, SteadyClock()).run()
    finally:
        output.close()


class Watch:
    """Finds the site, follows it, and shows what is known whenever that changes, at least each second."""

    def __init__(self, wishes: Wishes, token: str | Token, output: Output, clock: Clock) -> None:
        self._wishes = wishes
        self._token = token
        self._output = output
        self._clock = clock
        self._news = asyncio.Event()
        self._status = Status(phase="connecting")
        self._site = wishes.site
        self._client: GatewayClient | None = None
        self._subscription: Subscription | None = None

    async def run(self) -> None:
        """Raises GatewayError when coming back is pointless, BrokenPipeError when nobody reads."""
        following = asyncio.create_task(self._follow(), name="follow the site")
        following.add_done_callback(lambda _done: self._news.set())
        try:
            while not following.done():
                self._output.show(self._known())
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._news.wait()
                self._news.clear()
            following.result()
        except (GatewayError, asyncio.CancelledError) as ended:
            # what stays on the screen must not look live for ever
            reason = ended.message if isinstance(ended, GatewayError) else "stopped"
            self._status = Status(phase="ended", reason=reason)
            self._output.show(self._known())
            raise
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def _follow(self) -> None:
        site = await self._found()
        self._site = site.name or site.id
        url = f"{self._wishes.url.replace('http', 'ws', 1)}/api/v1/live"
        device = f"watch-{secrets.token_hex(8)}"
        async with GatewayClient(url, self._token, device=device, on_status=self._told, clock=self._clock) as client:
            self._client = client
            self._subscription = await client.subscribe(site.id, self._wishes.keys, INTERVAL_MS)
            async for _updated in self._subscription:
                self._news.set()

    async def _found(self) -> SiteName:
        """The site to show, once the gateway answers."""
        failures = 0
        while True:
            try:
                token = self._token if isinstance(self._token, str) else await self._token()
                return chosen(await sites(self._wishes.url, token), self._wishes.site)
            except (OSError, RateLimited) as error:
                pause_s = random.random() * min(MOST_PAUSE_S, 2.0**failures)
                pause_s = max(pause_s, getattr(error, "retry_after_s", None) or 0.0)
                failures += 1
                self._told(Status(phase="waiting", reason=why(error), retry_at=self._clock.monotonic() + pause_s))
                await asyncio.sleep(pause_s)

    def _told(self, status: Status) -> None:
        self._status = status
        self._news.set()

    def _known(self) -> Known:
        client, subscription = self._client, self._subscription
        return Known(
            url=self._wishes.url,
            site=self._site,
            status=self._status,
            readings=subscription.values if subscription is not None else {},
            now=self._clock.monotonic(),
            vouched=(
                self._status.phase == "connected"
                and client is not None
                and subscription is not None
                and client.vouches(subscription)
            ),
            doubt=subscription.doubt if subscription is not None else "",
            server_now=client.server_time() if client is not None else None,
        )


def chosen(visible: tuple[SiteName, ...], wanted: str) -> SiteName:
    """The site asked for, or the only one; raises NotFound or InvalidArgument."""
    names = ", ".join(site.id for site in visible) or "none"
    found = [site for site in visible if wanted in ("", site.id)]
    if not found:
        raise NotFound(f"there is no site {wanted!r}; you may see: {names}" if wanted else "there is no site to see")
    if len(found) > 1:
        raise InvalidArgument(f"there are several sites, choose one with --site: {names}")
    return found[0]
