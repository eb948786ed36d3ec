"""The doctor's look at a MariaDB: version, rights of the user and form of the tables."""

import time
from collections.abc import AsyncIterator

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db.engine import Database
from gateway.db.form import newest_form
from gateway.db.partitions import FEWEST_AHEAD, PartitionMonth, last_months
from gateway.db.tables import form_of
from gateway.domain.errors import DatabaseUnavailable
from gateway.run import findings
from gateway.run.findings import Finding
from gateway.run.greeting import without_secrets


async def look_at_mariadb(area: str, url: str, within_s: float) -> AsyncIterator[Finding]:
    database = Database(url, timeout_s=within_s)
    try:
        async with database.reading() as connection:
            found = await _asked(area, connection, make_url(url).database or "")
        for finding in found:
            yield finding
    except DatabaseUnavailable as error:
        advice = "is it running, and are user and password in GATEWAY_DATABASE_URL right?"
        yield Finding(area, "problem", f"{without_secrets(url)}: {error.message}", advice)
    finally:
        await database.dispose()


async def _asked(area: str, connection: AsyncConnection, name: str) -> list[Finding]:
    version = str(await connection.scalar(text("SELECT VERSION()")))
    lines = [str(row[0]) for row in await connection.execute(text("SHOW GRANTS"))]
    form = await connection.run_sync(form_of)
    plugin = text("SELECT plugin_status FROM information_schema.plugins WHERE plugin_name = 'partition'")
    can_partition = findings.partitioning(area, await connection.scalar(plugin))
    this_month = PartitionMonth.of(time.time())
    ahead = {table: last - this_month for table, last in (await last_months(connection)).items()}
    return [
        findings.mariadb_version(area, version),
        findings.grants(area, lines, name),
        findings.tables(area, form, newest_form()),
        *([can_partition] if can_partition else []),
        *([findings.partitions(area, ahead, FEWEST_AHEAD)] if ahead else []),
    ]
