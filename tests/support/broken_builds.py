"""Builds that are broken on purpose, to show that a judge would notice.

``python -m tests.support.broken_builds NAME web|bridge`` breaks one thing in the running program and then is the
ordinary command line. Each break is one somebody could make in earnest; none of them raises an error.
"""

import asyncio
import hashlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gateway.bridge import ledger
from gateway.bridge.ledger import Ledger
from gateway.cli.main import main
from gateway.domain import freshness
from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import Event
from gateway.domain.freshness import Faults
from gateway.domain.link import LinkState, LinkWatch
from gateway.domain.values import Changes, Delta, Position, SiteState, Snapshot
from gateway.hub import group
from gateway.hub.member import Standing, Subscription
from gateway.mqtt import Connection
from gateway.protocol import frames
from gateway.services.bridge_watch import BridgeWatch
from gateway.store import calls, follow
from gateway.store.redis import SiteStore, Writer

LATE_S = 0.05


def _spoil(script: str, line: str, instead: str) -> None:
    """One of the store's scripts has another line."""
    right = calls.Script.__init__

    def init(self: Any, *names: str) -> None:
        right(self, *names)
        if script in names:
            assert line in self.source, "the script has changed: break it anew"
            self.source = self.source.replace(line, instead)
            self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    calls.Script.__init__ = init  # type: ignore[method-assign] # this is what breaking means


def since_off_by_one() -> None:
    """What changed right after the held position is left out of every merged delta."""
    right = SiteState.since

    def since(self: SiteState, seq: int, matches: Callable[[str], bool]) -> Changes:
        return right(self, seq + 1, matches)

    SiteState.since = since  # type: ignore[method-assign] # this is what breaking means


def late_registration() -> None:
    """Between its snapshot and its first shared frame a subscription waits a moment, as after an ``await``."""

    def catch_up(self: Subscription, state: SiteState) -> None:
        self._seq = state.position.seq
        self.standing = Standing.live
        asyncio.get_running_loop().call_later(LATE_S, register, self)

    def register(one: Subscription) -> None:
        if one.standing is Standing.live and one in one.group.members:
            one.group.add_live(one)

    Subscription._catch_up = catch_up  # type: ignore[method-assign] # this is what breaking means


def ceased_keys_kept() -> None:
    """Frames do not tell that a key ceased to be."""
    right = frames.delta_frame

    def delta_frame(number: int, start: int, seq: int, changes: Changes) -> Any:
        return right(number, start, seq, {key: reading for key, reading in changes.items() if reading is not None})

    group.delta_frame = delta_frame  # type: ignore[attr-defined, assignment] # this is breaking


def resume_without_catching_up() -> None:
    """A resumed subscription is taken to hold what the server holds."""

    def hold(self: Subscription, seq: int) -> None:
        state = self.group.state
        self._seq = seq if state is None else state.position.seq

    Subscription.hold = hold  # type: ignore[method-assign] # this is what breaking means


def removals_forgotten() -> None:
    """A web process that starts does not learn which keys ceased before, and claims to know."""
    right = SiteStore.load

    async def load(self: SiteStore, site: str) -> Snapshot | None:
        snapshot = await right(self, site)
        return None if snapshot is None else msgspec.structs.replace(snapshot, removed={})

    SiteStore.load = load  # type: ignore[method-assign] # this is what breaking means


def follower_without_hole_check() -> None:
    """Whatever the stream gives next is taken for what comes next."""

    def judge(position: Position, entries: Iterable[Any]) -> tuple[list[Delta], None]:
        deltas, seq = [], position.seq
        for entry in entries:
            deltas.append(Delta(position.epoch, seq, entry.seq, entry.changes))
            seq = entry.seq
        return deltas, None

    follow.judge = judge
    follow.lost_by = lambda position, stored: None


def store_without_seq_check() -> None:
    """The store appends whatever it is told, also after it lost what came before."""
    _spoil("append.lua", "if stored ~= expected then return {'data_lost', stored} end", "")


def lost_batches() -> None:
    """A write that the store did not answer is not sent again."""
    right = SiteStore.append

    async def append(
        self: SiteStore, site: str, writer: Writer, batch: str, changes: Changes, events: Iterable[Event] = ()
    ) -> int:
        try:
            return await right(self, site, writer, batch, changes, events)
        except StoreUnavailable:
            return writer.seq

    SiteStore.append = append  # type: ignore[method-assign] # this is what breaking means


def subscribes_once() -> None:
    """After the broker came back nothing is subscribed any more."""
    right = Connection.subscribe
    subscribed: list[Connection] = []

    async def subscribe(self: Connection, topics: Any) -> tuple[str, ...]:
        subscribed.append(self)
        return await right(self, topics) if len(subscribed) == 1 else ()

    Connection.subscribe = subscribe  # type: ignore[method-assign] # this is what breaking means


def one_change_per_window() -> None:
    """Of the keys that change within one ingest window one is forgotten when there are many."""
    right = Ledger.take

    def take(self: Ledger) -> Changes:
        changes = right(self)
        if len(changes) > len("many"):
            changes.popitem()
        return changes

    Ledger.take = take  # type: ignore[method-assign] # this is what breaking means


def faults_ignored() -> None:
    """A number that a device in fault left behind looks live."""
    Faults.concern = lambda self, units: False  # type: ignore[method-assign] # this is what breaking means


def sums_without_their_parts() -> None:
    """Only what is of the device itself is stale, not the sums that its last number is in."""
    right = freshness.rests_on
    ledger.rests_on = lambda key: tuple(unit for unit in right(key) if not unit.endswith("+"))  # type: ignore[attr-defined] # as above


def flags_never_lifted() -> None:
    """What was stale while the box was away stays so until it changes."""
    right = Ledger.set_link

    def set_link(self: Ledger, link: LinkState, since: float, at: float) -> None:
        stale = {key for key, reading in self.readings.items() if reading.stale and not key.startswith("link/")}
        right(self, link, since, at)
        for key in stale & self.readings.keys():
            self._change(key, msgspec.structs.replace(self.readings[key], stale=True))

    Ledger.set_link = set_link  # type: ignore[method-assign] # this is what breaking means


def up_without_heartbeat() -> None:
    """A box whose broker answers is taken for alive."""
    right = LinkWatch._judge

    def judge(self: LinkWatch, at: float, not_before: float = 0.0) -> LinkState:
        if self._connected and self._flood_ended:
            self._alive_at = self._beat_at = at
        return right(self, at, not_before)

    LinkWatch._judge = judge  # type: ignore[method-assign] # this is what breaking means


def bridge_down_without_flags() -> None:
    """The link says that no bridge is there, but what it left behind goes on looking live."""
    _spoil("bridge_down.lua", "for i = 1, #latest, 2 do", "for i = 1, 0, 2 do")


def bridge_down_untold() -> None:
    """Nobody looks whether a bridge leads."""

    async def look(self: BridgeWatch) -> None:
        pass

    BridgeWatch.look = look  # type: ignore[method-assign] # this is what breaking means


BREAKS: dict[str, Callable[[], None]] = {
    break_it.__name__.replace("_", "-"): break_it
    for break_it in (
        since_off_by_one,
        late_registration,
        ceased_keys_kept,
        resume_without_catching_up,
        removals_forgotten,
        follower_without_hole_check,
        store_without_seq_check,
        lost_batches,
        subscribes_once,
        one_change_per_window,
        faults_ignored,
        sums_without_their_parts,
        flags_never_lifted,
        up_without_heartbeat,
        bridge_down_without_flags,
        bridge_down_untold,
    )
}


def words(name: str, command: str) -> tuple[str, ...]:
    """What follows ``python`` to run the command with that break."""
    assert name in BREAKS
    return ("-m", "tests.support.broken_builds", name, command)


if __name__ == "__main__":
    BREAKS[sys.argv.pop(1)]()
    main()
