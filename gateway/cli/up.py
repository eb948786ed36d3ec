"""``openwb-gateway up``."""

import click

from gateway.cli.starting import stay
from gateway.run.up import run_up


@click.command()
def up() -> None:
    """Run everything in this process; without a box, a simulated one as the site demo."""
    stay(run_up, starts_programs=True)
