"""``openwb-gateway recorder``."""

import click

from gateway.cli.starting import stay
from gateway.run.recorder import run_recorder


@click.command()
def recorder() -> None:
    """Run the way from the store to the database: what is kept of the values.

    Needs GATEWAY_REDIS_URL, GATEWAY_DATABASE_URL and a site.
    """
    stay(run_recorder, starts_programs=False)
