"""What ``up`` says when somebody can log in: what runs, and how to look at it. Text on a terminal, JSON elsewhere."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import msgspec

from gateway.run.paint import Paint, paint_for
from gateway.settings import SiteSettings
from gateway.version import VERSION

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - what people set, to be shown as an address
USUAL_PAGE = "http://127.0.0.1:8080"
LABEL_WIDTH = 10


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """What runs. ``sites``: id and, in words, what stands behind it; ``here``: where we listen."""

    page: str
    here: str
    sites: tuple[tuple[str, str], ...]
    store: str
    database: str
    data_dir: Path
    demo: bool = False
    setup_link: str | None = None


def greet(runs: Runs, out: TextIO = sys.stdout, environ: Mapping[str, str] = os.environ) -> None:
    """Say it once, whatever the log level is: without the link nobody gets in."""
    if out.isatty():
        print("\n".join(lines(runs, own_command(), paint_for(out, environ))), file=out, flush=True)
    else:
        event(out, "ready", **fields(runs))


def farewell(out: TextIO = sys.stdout) -> None:
    """Say that everything has ended."""
    if out.isatty():
        print("\rstopped", file=out, flush=True)  # over the ^C that the terminal showed
    else:
        event(out, "stopped")


def lines(runs: Runs, command: str, paint: Paint) -> list[str]:
    """For a person."""

    def line(label: str, text: str, more: str = "") -> str:
        return f"  {paint(label.ljust(LABEL_WIDTH), 'dim')}{text}{paint(f'   {more}', 'dim') if more else ''}"

    said = ["", paint(f"openwb-gateway {VERSION}", "bold") + paint(" runs", "green"), ""]
    said.append(line("page", paint(f"{runs.page}/", "cyan")))
    if runs.setup_link is None:
        said.append(line("log in", "as admin"))
    else:
        said.append(line("log in", "choose a password first; the link holds for an hour, on this network only"))
        said.append(line("", paint(runs.setup_link, "bold", "cyan")))
    said += [line("site", site, box) for site, box in runs.sites]
    if runs.demo:
        said.append(line("", "Nothing here is real. For your own box:"))
        said.append(line("", "GATEWAY_MQTT_URL=mqtt://<box> make run"))
    said.append(line("store", runs.store))
    said.append(line("database", runs.database))
    said.append(line("data", str(runs.data_dir)))
    url = "" if runs.here == USUAL_PAGE else f" --url {runs.here}"
    said.append(line("watch", f"{command} watch{url}", "in another terminal"))
    return [*said, line("stop", "Ctrl-C"), ""]


def fields(runs: Runs) -> dict[str, Any]:
    """For a program."""
    return {
        "version": VERSION,
        "page": f"{runs.page}/",
        "set_up": runs.setup_link,
        "sites": [{"id": site, "box": box} for site, box in runs.sites],
        "demo": runs.demo,
        "store": runs.store,
        "database": runs.database,
        "data_dir": str(runs.data_dir),
        "pid": os.getpid(),
    }


def box_of(site: SiteSettings) -> str:
    """The address of a site's box, without user and password."""
    scheme, _, rest = site.mqtt_url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def without_secrets(url: str) -> str:
    """The URL of a store or database, without user, password and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def reachable(here: str) -> str:
    """Where we listen, as an address to open: who listens everywhere does so here too."""
    for everywhere, near in EVERYWHERE.items():
        here = here.replace(f"//{everywhere}:", f"//{near}:")
    return here


def own_command() -> str:
    """What to type to call us: as short as it works from here."""
    if shutil.which("openwb-gateway"):
        return "openwb-gateway"
    beside = Path(sys.executable).with_name("openwb-gateway")
    if not beside.exists():
        return f"{sys.executable} -m gateway"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)


def event(out: TextIO, name: str, **more: Any) -> None:
    """As a log line, but always and on standard output."""
    told = {"event": name, "level": "info", "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
    print(json.dumps({**told, **more}), file=out, flush=True)
