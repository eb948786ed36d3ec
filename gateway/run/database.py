"""``openwb-gateway db``: upgrade and check."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import text

from gateway.db.backups import backups_in
from gateway.db.engine import Database
from gateway.db.form import newest_form
from gateway.db.samples import Written, count_bad_samples, written
from gateway.db.tables import form_of
from gateway.domain.clock import SystemClock
from gateway.domain.errors import DatabaseUnavailable, SettingsError
from gateway.run import findings
from gateway.run.doctor_stores import DATABASE, SQLITE, look_at_database
from gateway.run.findings import Finding
from gateway.run.plan import BACKUPS, backups_of, database_url, plan
from gateway.settings import Settings, load

STEP_S = 60.0

log = structlog.get_logger(__name__)


async def upgrade_database(settings: Settings) -> None:
    """``db upgrade``. Raises DatabaseUnavailable, SettingsError."""
    data_dir = plan(settings).data_dir
    if settings.database_url is None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(database_url(settings, data_dir))
    try:
        await database.migrate(backups_of(settings, data_dir))
    finally:
        await database.dispose()
    log.info("the tables have the newest form", form=newest_form(), database=database.name)


async def check_database(environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    """``db check``: what the doctor looks at, the file as a whole, and what was recorded. Nothing is changed."""
    try:
        settings = load(environ)
        data_dir = plan(settings).data_dir
    except SettingsError as error:
        for line in error.message.splitlines():
            yield Finding("settings", "problem", line, "see docs/operations.md")
        return
    url = database_url(settings, data_dir)
    if missing := Database(url).lacks_file:
        words = f"{missing} is not there yet; the first start makes it"
        yield Finding(DATABASE, "note", words, "is it elsewhere? Set GATEWAY_DATA_DIR or GATEWAY_DATABASE_URL")
        return
    async for finding in look_at_database(settings.database_url, data_dir, STEP_S):
        yield finding
        if finding.grade == "problem":
            return
    async for finding in _looked_into(url):
        yield finding
    yield _backups(data_dir / BACKUPS)


async def _looked_into(url: str) -> AsyncIterator[Finding]:
    database = Database(url, timeout_s=STEP_S)
    try:
        if url.startswith(SQLITE):
            async with database.reading() as connection:
                said = str(await connection.scalar(text("PRAGMA quick_check(1)")))
            yield findings.integrity(DATABASE, said)
        async with database.reading() as connection:
            if (await connection.run_sync(form_of) or "") < newest_form():
                return
            bad, sites = await count_bad_samples(connection), await written(connection)
        yield findings.bad_samples(DATABASE, bad)
        now = SystemClock().now()
        for site in sites:
            yield _recorded(site, now)
    except DatabaseUnavailable as error:
        yield Finding(DATABASE, "problem", error.message)
    finally:
        await database.dispose()


def _recorded(site: Written, now: float) -> Finding:
    return findings.recorded(site.site, site.series, None if site.slot < 0 else now - site.slot / 1000)


def _backups(folder: Path) -> Finding:
    copies = backups_in(folder)
    if not copies:
        return Finding("copies", "ok", f"none in {folder}; one is made before tables are changed")
    made = datetime.fromtimestamp(copies[0].stat().st_mtime, UTC)
    return Finding("copies", "ok", f"{len(copies)} in {folder}, the newest of {made:%Y-%m-%d %H:%M} UTC")
