"""``openwb-gateway db``: the database, whether the gateway runs or not, by the settings that the gateway takes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import click

from gateway.cli.doctor import PROBLEMS, count, lines, summary
from gateway.cli.starting import stay
from gateway.run.database import check_database, upgrade_database
from gateway.run.findings import Finding
from gateway.run.paint import paint_for


@click.group()
def db() -> None:
    """Look after the database: bring its tables up, or look whether it is well."""


@db.command()
def upgrade() -> None:
    """Bring the tables up to this version.

    With a copy of them before. Each start does that as well; here it is done apart, before several processes are
    started anew.
    """
    stay(upgrade_database, starts_programs=False)


@db.command()
def check() -> None:
    """Look whether all is well with it.

    That is: rights, tables, what was recorded, copies. Status 0: no problem, 1: at least one.
    """
    sys.exit(asyncio.run(_told(check_database(os.environ))))


async def _told(looks: AsyncIterator[Finding]) -> int:
    paint = paint_for(sys.stdout, os.environ)
    found: list[Finding] = []
    async for finding in looks:
        found.append(finding)
        click.echo("\n".join(lines(finding, paint)))
    click.echo(f"\n{summary(found, paint)}")
    return PROBLEMS if count(found, "problem") else 0
