"""The command line: what commands there are. Each is a module of its own, imported when it is called."""

import click

from gateway.cli.lazy import LazyGroup
from gateway.version import VERSION

COMMANDS = {
    "up": "Run everything in this process; without a box, a simulated one as the site demo.",
    "web": "Run the web server: REST, websocket and page.",
    "bridge": "Run the way from the boxes to the store.",
    "recorder": "Run the way from the store to the database: what is kept of the values.",
    "demo": "Run only a simulated openWB with its broker, on 127.0.0.1, for whoever writes a client.",
    "watch": "Show the live values of a site, in place; in a pipe one line per change.",
    "doctor": "Look whether everything is there that the gateway needs, and change nothing.",
    "import": "Take over charge logs: the box's own, month by month, or files of openWB 1.9 and evcc.",
    "reconcile": "Show month by month what the box's log, the gateway and the meter count, side by side.",
    "db": "Look after the database: bring its tables up, or look whether it is well.",
    "schema": "Print a machine-readable description of an interface.",
}

MODULES = {"import": "imports"}
"""Where the module cannot have the name of its command."""


@click.group(
    cls=LazyGroup,
    room="gateway.cli",
    lines=COMMANDS,
    modules=MODULES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION)
def cli() -> None:
    """A gateway that makes openWB charging safe and pleasant to use from outside."""


def main() -> None:
    """The entry point of ``openwb-gateway``."""
    cli(prog_name="openwb-gateway")
