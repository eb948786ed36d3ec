"""``openwb-gateway web``."""

import click

from gateway.cli.starting import stay
from gateway.run.web import run_web


@click.command()
def web() -> None:
    """Run the web server: REST, websocket and page.

    Needs GATEWAY_REDIS_URL, GATEWAY_DATABASE_URL and the sites.
    """
    stay(run_web, starts_programs=False)
