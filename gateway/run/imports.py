"""Taking over charge logs: the box's own, through the bridge, or files that somebody has.

The box's own needs a gateway that runs, since it is the bridge that asks and the recorder that writes: requests go to
the store, and we wait. Files are read here and written to the database at once. Either way an entry is taken over
once, however often it comes.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from redis.asyncio import Redis

from gateway.db.box_log import count_entries, write_entries
from gateway.db.engine import Database
from gateway.domain.box_log import BoxLog, Oddity
from gateway.domain.box_log_evcc import read_sessions
from gateway.domain.box_log_openwb2 import read_log as read_log_2
from gateway.domain.box_log_openwb19 import read_log as read_log_19
from gateway.domain.clock import SystemClock
from gateway.domain.errors import SettingsError, Unavailable, Unreadable
from gateway.domain.months import Month, months
from gateway.run.plan import DEMO, backups_of, database_url, plan
from gateway.run.zones import zone_of
from gateway.settings import Settings, SiteSettings
from gateway.store.embedded import SOCKET_NAME
from gateway.store.redis import close_client, open_client
from gateway.store.requests import BoxLogQueue, Outcome, Request, RequestQueue

FileKind: TypeAlias = Literal["ladelog", "evcc"]
Progress: TypeAlias = Callable[[str], None]

MOST_BYTES: Final = 64_000_000
LOOK_S: Final = 0.5
MONTH_S: Final = 180
"""For a month that is asked for three times and answered at last, or not."""

WRITTEN_S: Final = 60
ENTRIES_AT_ONCE: Final = 500


class Summary(msgspec.Struct, frozen=True):
    """What came of an import. ``odd``: how many entries have which oddity."""

    entries: int = 0
    new: int = 0
    unreadable: int = 0
    odd: dict[Oddity, int] = {}
    failed: tuple[str, ...] = ()

    @property
    def known(self) -> int:
        return max(0, self.entries - self.new)


def chosen_site(settings: Settings, name: str | None) -> SiteSettings:
    """The site of that name, or the only one. Raises SettingsError with those that there are."""
    sites = settings.sites or (SiteSettings(id=DEMO, name="Demo", mqtt_url="mqtt://127.0.0.1"),)
    found = [site for site in sites if name in (None, site.id)]
    if len(found) == 1:
        return found[0]
    raise SettingsError(f"--site: name one of {', '.join(site.id for site in sites)}")


async def import_files(settings: Settings, kind: FileKind, site: SiteSettings, paths: Sequence[Path]) -> Summary:
    """Take over what stands in files. Raises SettingsError for one that cannot be read, before any is written."""
    zone = zone_of(site)
    logs = [_read(kind, path, zone) for path in paths]
    entries = [entry for one in logs for entry in one.entries]
    new = 0
    async with opened_database(settings, migrate=True, make=True) as database:
        for first in range(0, len(entries), ENTRIES_AT_ONCE):
            async with database.writing() as connection:
                some = entries[first : first + ENTRIES_AT_ONCE]
                new += await write_entries(connection, site.id, some, SystemClock().now())
    odd = Counter(oddity for entry in entries for oddity in entry.oddities)
    return Summary(len(entries), new, sum(one.unreadable for one in logs), dict(odd))


def _read(kind: FileKind, path: Path, zone: tzinfo) -> BoxLog:
    try:
        with path.open("rb") as file:
            payload = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(payload) > MOST_BYTES:
        raise SettingsError(f"{path}: allowed is a file of at most {MOST_BYTES // 1_000_000} MB")
    read = read_sessions if kind == "evcc" else read_log_2 if path.suffix.casefold() == ".json" else read_log_19
    try:
        return read(payload, zone)
    except Unreadable as error:
        raise SettingsError(f"{path}: {error.message}") from error


async def import_charge_log(
    settings: Settings, site: SiteSettings, first: Month, last: Month, tell: Progress
) -> Summary:
    """Have the running gateway ask the box for each month. Raises StoreUnavailable, SettingsError, Unavailable."""
    async with _store(settings) as redis, opened_database(settings, migrate=False, make=False) as database:
        requests = RequestQueue(redis, answer_s=settings.redis_timeout_s)
        queue = BoxLogQueue(redis, answer_s=settings.redis_timeout_s)
        before = await _count(database, site.id)
        outcomes: list[Outcome] = []
        failed: list[str] = []
        for month in months(first, last):
            outcome = await _asked(requests, site.id, month)
            tell(f"{month}: {_words(outcome)}")
            outcomes.append(outcome)
            if outcome.state == "failed":
                failed.append(f"{month}: {outcome.reason}")
        await _written(queue, site.id)
        new = await _count(database, site.id) - before
    return Summary(
        entries=sum(one.entries for one in outcomes),
        new=new,
        unreadable=sum(one.unreadable for one in outcomes),
        odd=_added(one.odd for one in outcomes),
        failed=tuple(failed),
    )


def _added(counts: Iterable[dict[Oddity, int]]) -> dict[Oddity, int]:
    found: Counter[Oddity] = Counter()
    for one in counts:
        found.update(one)
    return dict(found)


def _words(outcome: Outcome) -> str:
    return f"failed, {outcome.reason}" if outcome.state == "failed" else f"{outcome.entries} entries"


async def _asked(requests: RequestQueue, site: str, month: Month) -> Outcome:
    """The outcome; a month that nobody takes up in time has failed."""
    asked = await requests.ask(site, Request(month.year, month.month))
    if asked is None:
        raise Unavailable("too many requests wait for the bridge already; is one running that reaches the box?")
    try:
        async with asyncio.timeout(MONTH_S):
            while (outcome := await requests.outcome_of(site, asked)) is None:  # noqa: ASYNC110 - it lies in the store
                await asyncio.sleep(LOOK_S)
            return outcome
    except TimeoutError:
        raise Unavailable(
            f"nobody answered for {month} within {MONTH_S} s; a bridge must run that reaches the box. The request"
            " stays, and is served when one does"
        ) from None


async def _written(queue: BoxLogQueue, site: str) -> None:
    try:
        async with asyncio.timeout(WRITTEN_S):
            while await queue.length(site):  # noqa: ASYNC110 - as above
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise Unavailable("the entries wait in the store: no recorder writes them to the database") from None


async def _count(database: Database, site: str) -> int:
    async with database.reading() as connection:
        return await count_entries(connection, site)


@asynccontextmanager
async def opened_database(settings: Settings, *, migrate: bool, make: bool) -> AsyncIterator[Database]:
    """Raises SettingsError where none is; with ``make`` an embedded one is made."""
    data_dir = plan(settings).data_dir
    if make and settings.database_url is None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(database_url(settings, data_dir), timeout_s=30, durable=True)
    try:
        if not make and database.lacks_file:
            raise SettingsError(
                f"there is no database {database.lacks_file}; set GATEWAY_DATA_DIR or GATEWAY_DATABASE_URL as the"
                " gateway has it that records"
            )
        if migrate:
            await database.migrate(backups_of(settings, data_dir))
        yield database
    finally:
        await database.dispose()


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Redis]:
    """The store of the gateway that runs. Raises SettingsError when none does."""
    url = settings.redis_url
    if url is None:
        socket = plan(settings).data_dir.absolute() / SOCKET_NAME
        if not socket.exists():
            raise SettingsError(
                "no gateway runs with these settings (start it, the box's log comes through it), or its store is"
                " elsewhere: set GATEWAY_REDIS_URL"
            )
        url = f"unix://{quote(str(socket))}"
    async with AsyncExitStack() as stack:
        redis = open_client(url, settings.redis_timeout_s)
        stack.push_async_callback(close_client, redis)
        yield redis
