"""The samples of a site on their way into the database: one row for each slot and series.

An entry that cannot be read, or holds what no table takes, has no rows: it is kept as it is in ``bad_samples``, told
to the log, and the next ones go on.
"""

from collections.abc import Sequence
from math import isfinite

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.db import samples as rows
from gateway.db.samples import BadSample
from gateway.domain.clock import Clock
from gateway.domain.figures import Histogram
from gateway.domain.slots import Quality, Sample
from gateway.store.samples import Queued, SampleQueue, Undecodable, pack_sample

MOST_KEY_CHARS = 255
MOST_EPOCH_CHARS = 64
MOST_SEQ = (1 << 63) - 1
MOST_PERIOD_MS = (1 << 31) - 1
QUALITIES = frozenset(Quality)
MOST_REASON_CHARS = 255
MOST_PAYLOAD_BYTES = 1 << 20
LAG_BOUNDS_S = (1, 10, 60, 300, 900, 3_600, 86_400, 259_200)

log = structlog.get_logger(__name__)


class SampleStream:
    """The queue of one site, as ``carry.Stream`` wants it."""

    def __init__(self, queue: SampleQueue, site: str) -> None:
        self._queue = queue
        self._site = site

    async def read_after(self, position: int, count: int) -> Sequence[tuple[int, Queued]]:
        return [(one.slot, one) for one in await self._queue.read_after(self._site, position, count)]

    async def trim_to(self, position: int) -> None:
        await self._queue.trim_to(self._site, position)

    async def count_waiting(self) -> int:
        return (await self._queue.fill(self._site)).slots


class SampleTables:
    """The tables of one site, as ``carry.Tables`` wants them. ``lag`` is from a slot's end until it is written."""

    def __init__(self, site: str, clock: Clock) -> None:
        self.lag = Histogram(LAG_BOUNDS_S)
        self._site = site
        self._clock = clock
        self.bad = 0
        """Entries that were put into ``bad_samples``."""
        self._written: Sequence[Sample] = ()
        self._bad_written = 0

    async def position(self, connection: AsyncConnection) -> int:
        return await rows.position(connection, self._site)

    async def apply(self, connection: AsyncConnection, entries: Sequence[tuple[int, Queued]]) -> int:
        number, held = await rows.hold_position(connection, self._site)
        beyond = [entry for slot, entry in entries if slot > held]  # the others are another writer's
        bad = [one for entry in beyond if (one := self._bad(entry)) is not None]
        spoilt = {one.slot for one in bad}
        good = [entry for entry in beyond if isinstance(entry, Sample) and entry.slot not in spoilt]
        await rows.write_samples(connection, number, good)
        await rows.write_bad_samples(connection, number, bad)
        last = max(held, entries[-1][0])
        await rows.move_position(connection, number, last)
        self._written, self._bad_written = good, len(bad)
        return last

    def committed(self) -> None:
        now = self._clock.now()
        for sample in self._written:
            self.lag.observe(now - sample.end / 1000)
        self.bad += self._bad_written
        self._written, self._bad_written = (), 0

    def _bad(self, entry: Queued) -> BadSample | None:
        """What is to be kept of an entry that no table takes; None: it is well."""
        if isinstance(entry, Undecodable):
            reason, payload = entry.reason, entry.payload
        elif (wrong := unfit(entry)) is not None:
            reason, payload = wrong, pack_sample(entry)
        else:
            return None
        log.error("a sample cannot be read; it is kept in bad_samples", site=self._site, slot=entry.slot, why=reason)
        return BadSample(entry.slot, reason[:MOST_REASON_CHARS], payload[:MOST_PAYLOAD_BYTES], self._clock.now())


def unfit(sample: Sample) -> str | None:
    """Why no table takes the sample; None: they do.

    The database must never be the one to refuse a value: what it refuses would come again for ever.
    """
    if not 0 < sample.period_ms <= MOST_PERIOD_MS or not 0 <= sample.seq <= MOST_SEQ:
        return f"period {sample.period_ms} ms or seq {sample.seq} out of range"
    if len(sample.epoch) > MOST_EPOCH_CHARS:
        return f"an epoch of {len(sample.epoch)} characters"
    for key, (value, quality) in sample.values.items():
        if len(key) > MOST_KEY_CHARS:
            return f"a key of {len(key)} characters"
        if quality not in QUALITIES:
            return f"quality {quality} of {key}"
        if value is not None and not isfinite(value):
            return f"{key} is {value}"
    return None
