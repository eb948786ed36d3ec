"""``openwb-gateway bridge``."""

import click

from gateway.cli.starting import stay
from gateway.run.bridge import run_bridge


@click.command()
def bridge() -> None:
    """Run the way from the boxes to the store.

    Needs GATEWAY_REDIS_URL and a site.
    """
    stay(run_bridge, starts_programs=False)
