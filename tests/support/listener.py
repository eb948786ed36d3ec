"""A follower and what it told, for tests of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from gateway.domain.events import Event
from gateway.domain.values import Delta, Position, SiteState
from gateway.store.follow import EventsLoaded, Follower, Happened, Loaded, OnStep, Step, Timing
from gateway.store.redis import SiteStore, open_client
from tests.support.waiting import eventually

QUICK = Timing(block_s=0.2, poll_s=0.1, answer_s=3, retry_base_s=0.02, retry_cap_s=0.1)
PATIENT = Timing(block_s=60, poll_s=60, answer_s=5)
"""With these, what comes within seconds did not wait for a poll."""


class Listener:
    """A follower and what it told. Deltas are applied: one that does not continue the state raises."""

    def __init__(self, store: SiteStore, url: str, timing: Timing = QUICK, newest_events: int = 200) -> None:
        connect = partial(open_client, url, timeout_s=1)
        self.follower = Follower(store, connect, timing=timing, newest_events=newest_events)
        self.steps: dict[str, list[Step]] = {}
        self.states: dict[str, SiteState] = {}

    @asynccontextmanager
    async def running(self, on_step: OnStep | None = None) -> AsyncIterator[None]:
        task = asyncio.create_task(self.follower.run(on_step or self.on_step))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    def on_step(self, site: str, step: Step) -> None:
        self.steps.setdefault(site, []).append(step)
        if isinstance(step, Loaded):
            self.states[site] = SiteState(step)
        elif isinstance(step, EventsLoaded):
            assert all(entry.after_seq <= self.states[site].position.seq for entry in step.entries)
        elif isinstance(step, Happened):
            assert step.entry.after_seq <= self.states[site].position.seq, "an event came before its change"
        elif isinstance(step, Delta):
            self.states[site].apply(step)

    def kinds(self, site: str) -> list[str]:
        """The steps by name but for events, a snapshot with its reason, deltas in a row as one."""
        names: list[str] = []
        for step in self.steps.get(site, ()):
            if isinstance(step, EventsLoaded | Happened):
                continue
            name = type(step).__name__
            name += f" {step.reason}" if isinstance(step, Loaded) and step.reason else ""
            if name != "Delta" or names[-1:] != ["Delta"]:
                names.append(name)
        return names

    def happened(self, site: str) -> list[Event]:
        """The events that were told one by one."""
        return [step.entry.event for step in self.steps.get(site, ()) if isinstance(step, Happened)]

    async def reaches(self, site: str, position: Position) -> None:
        await eventually(
            lambda: site in self.states and self.states[site].position == position,
            what=f"{site} reaches {position}: {self.kinds(site)}",
        )

    async def tells(self, site: str, kind: type[Step], count: int = 1) -> None:
        await eventually(
            lambda: sum(isinstance(step, kind) for step in self.steps.get(site, ())) >= count,
            what=f"{count} times {kind.__name__}",
        )
