"""How the links to the boxes do, for the readiness of a web process: as its mirror has it."""

from collections.abc import Iterable, Mapping

from gateway.domain.values import Delta
from gateway.hub.hub import Hub
from gateway.services.readiness import Readiness, State
from gateway.settings import SiteSettings
from gateway.store.follow import Absent, Loaded, Step

STATES: Mapping[str, State] = {"up": "ok", "connecting": "starting"}
TELLING = frozenset({"link/state", "link/reason"})


class LinkReports:
    """Reports the part ``link of <site>`` for each site.

    ``counts``: without its boxes the process is not ready. One among several must not count them, or a load balancer
    would take all away, and nobody could see the page say what is wrong.
    """

    def __init__(self, sites: Iterable[SiteSettings], hub: Hub, readiness: Readiness, *, counts: bool) -> None:
        self._hub = hub
        self._readiness = readiness
        self._counts = counts
        for site in sites:
            self._report(site.id, "starting", None)

    def on_step(self, site: str, step: Step) -> None:
        """After the hub has taken the step. While the store is out of reach the last word stays."""
        if isinstance(step, Absent):
            self._report(site, "starting", "nothing is known of it yet")
        elif isinstance(step, Loaded) or (isinstance(step, Delta) and not TELLING.isdisjoint(step.changes)):
            self._tell(site)

    def _tell(self, site: str) -> None:
        mirror = self._hub.state(site)
        assert mirror is not None, "the step came from what the mirror has now"
        state, reason = (
            reading.value if (reading := mirror.readings.get(key)) is not None else None
            for key in ("link/state", "link/reason")
        )
        name = str(state or "connecting")
        self._report(site, STATES.get(name, "down"), None if name == "up" else str(reason or name))

    def _report(self, site: str, state: State, reason: str | None) -> None:
        self._readiness.report(f"link of {site}", state, reason, counts=self._counts)
