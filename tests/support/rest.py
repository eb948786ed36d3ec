"""The web application with a database of its own, a clock in the test's hands and a hub that says what it is told."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from litestar import Litestar

import gateway
from gateway.api.connections import Connections, Tell
from gateway.api.live import LiveTimes
from gateway.api.sites import SiteInfo
from gateway.app import Parts, create_app
from gateway.db.engine import Database
from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.origins import Origins
from gateway.domain.throttle import Patience, Throttle
from gateway.domain.values import Delta, Position, Reading
from gateway.hub.hub import Hub
from gateway.protocol.messages import Limits
from gateway.services.auth import AuthService, AuthTimes
from gateway.services.metrics import Metrics
from gateway.services.passwords import HashCost, Passwords
from gateway.services.readiness import Readiness
from gateway.store.follow import Loaded
from gateway.store.redis import SiteStore, open_client
from gateway.store.samples import SampleQueue
from tests.support.clock import FakeClock

BERLIN = ZoneInfo("Europe/Berlin")
PASSWORD = "correct horse"
CHEAP = HashCost(memory_kib=8, passes=1, lanes=1)
NOWHERE = "redis://127.0.0.1:1/0"
PAGE = Path(gateway.__file__).parent / "page"


class ToldHub(Hub):
    """A hub whose follower is the test."""

    def begin(self, site: str, readings: Mapping[str, Reading], *, epoch: str = "e1", seq: int = 100) -> None:
        """A snapshot in which every key changed last at ``seq``."""
        seqs = dict.fromkeys(readings, seq)
        self.on_step(site, Loaded(Position(epoch, seq), dict(readings), seqs, {}, 0))

    def change(self, site: str, **changes: Reading | None) -> None:
        """One delta; a key's slashes are written as two underscores."""
        state = self.state(site)
        assert state is not None
        named = {key.replace("__", "/"): reading for key, reading in changes.items()}
        self.on_step(site, Delta(state.position.epoch, state.position.seq, state.position.seq + 1, named))


class Web:
    """The application and what it is made of."""

    def __init__(
        self,
        database: Database,
        page_dir: Path = PAGE,
        patience: Patience | None = None,
        limits: Limits | None = None,
        live_times: LiveTimes | None = None,
        tell: Tell | None = None,
        store: SiteStore | None = None,
        samples: SampleQueue | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.database = database
        chosen = limits or Limits()
        self.hub = ToldHub(("home", "yard"), self.clock, chosen)
        self.auth = make_auth(database, self.clock, patience=patience)
        self.connections = Connections(chosen) if tell is None else Connections(chosen, tell=tell)
        self.readiness = Readiness(self.clock, ("database", "store"))
        self.parts = Parts(
            clock=self.clock,
            sites=(SiteInfo("home", "Home", "openwb-2"), SiteInfo("yard", "Yard", "auto")),
            hub=self.hub,
            store=store or SiteStore(open_client(NOWHERE), answer_s=1),
            database=database,
            open_sessions=self._open_sessions,
            zones=dict.fromkeys(("home", "yard"), BERLIN),
            samples=samples or SampleQueue(open_client(NOWHERE), answer_s=1),
            auth=self.auth,
            readiness=self.readiness,
            metrics=Metrics(),
            page_dir=page_dir,
            version="1.2.3",
            limits=chosen,
            live_times=live_times or LiveTimes(),
            connections=self.connections,
            origins=Origins(listening="gateway.test"),
        )
        self.open_sessions: list[ChargeSession] = []
        self.app: Litestar = create_app(self.parts)

    async def _open_sessions(self, site: str) -> list[ChargeSession]:
        return [one for one in self.open_sessions if one.site == site]


def make_auth(
    database: Database, clock: FakeClock, *, cost: HashCost = CHEAP, patience: Patience | None = None
) -> AuthService:
    return AuthService(database, clock, Passwords(cost), Throttle(patience or Patience()), times=AuthTimes())


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Database]:
    """A migrated database in a file of its own: a copy of one that the first test of the worker made."""
    migrated = folder.parent / "migrated.db"
    if not migrated.exists():
        async with _opened(migrated.with_suffix(".new")) as database:
            await database.migrate()
        migrated.with_suffix(".new").rename(migrated)
    shutil.copyfile(migrated, folder / "gateway.db")
    async with _opened(folder / "gateway.db") as database:
        yield database


@asynccontextmanager
async def _opened(file: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{file}")
    try:
        yield database
    finally:
        await database.dispose()
