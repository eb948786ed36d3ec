"""Says that no bridge is there when none is, because a bridge that was killed cannot say so itself.

Rules, for each site:

* Nobody has had the lease for ``down_after_s``, by this process's monotonic clock and at every look: ``bridge_down``
  is said, and again after as long a time, for as long as nobody has it. Saying it twice changes nothing.
* The store takes no word of it, say because its disk is full: ``on_mute`` is told, for this process to say that what
  it holds is old. When somebody leads again all begins in a new epoch, and that ends the doubt by itself.
* A look that the store does not answer proves nothing: the time begins anew with the next one. So does a lease.

Any number of processes may do this at once.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import structlog

from gateway.domain.clock import Clock
from gateway.domain.errors import StoreUnavailable
from gateway.store.redis import SiteStore

LOOKS_EACH_TIME = 4
MOST_S_BETWEEN_LOOKS = 2.0

log = structlog.get_logger(__name__)


class BridgeWatch:
    """Watches over the leases of the sites."""

    def __init__(
        self,
        store: SiteStore,
        sites: Sequence[str],
        clock: Clock,
        *,
        down_after_s: float,
        on_mute: Callable[[str, str], None] = lambda _site, _reason: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        new_id: Callable[[], str] = lambda: secrets.token_hex(6),
    ) -> None:
        self._store = store
        self._sites = sites
        self._clock = clock
        self._down_after_s = down_after_s
        self._on_mute = on_mute
        self._sleep = sleep
        self._new_id = new_id
        self._missing_since: dict[str, float] = {}

    async def run(self) -> NoReturn:
        """For ever; stop it by cancelling."""
        pause_s = min(MOST_S_BETWEEN_LOOKS, self._down_after_s / LOOKS_EACH_TIME)
        while True:
            await self.look()
            await self._sleep(pause_s)

    async def look(self) -> None:
        """Look once, and say what is due."""
        try:
            led = await self._store.led(self._sites)
            now = self._clock.monotonic()
            for site, is_led in zip(self._sites, led, strict=True):
                if is_led:
                    self._missing_since.pop(site, None)
                elif now - self._missing_since.setdefault(site, now) >= self._down_after_s:
                    self._missing_since[site] = now
                    await self._say(site)
        except StoreUnavailable:
            self._missing_since.clear()  # the follower tells of it

    async def _say(self, site: str) -> None:
        at, epoch, batch = round(self._clock.now(), 3), self._new_id(), self._new_id()
        try:
            said = await self._store.bridge_down(site, at=at, epoch=epoch, batch=batch)
        except StoreUnavailable as error:
            self._on_mute(site, error.message)  # and on to the next site, which is to be told as well
            return
        if said is not None:
            log.warning("no bridge leads the site; its values are stale now", site=site)
