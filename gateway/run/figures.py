"""Where the numbers of ``/metrics`` come from: what each part counts, under the names of ``services/metrics.py``."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

import msgspec
import structlog

from gateway.api.connections import Connections
from gateway.bridge.ingest import Ingest
from gateway.bridge.leader import Leader
from gateway.domain.catalogue_entries import LINK_STATES
from gateway.domain.clock import SystemClock
from gateway.domain.errors import StoreUnavailable
from gateway.domain.events import STATE
from gateway.domain.figures import Histogram, Tally
from gateway.hub.hub import Hub
from gateway.mqtt import Counts
from gateway.run.owner import Service
from gateway.run.ports import listen
from gateway.services.loop_lag import LoopLag
from gateway.services.metrics import Metrics, Sample
from gateway.services.readiness import Readiness
from gateway.store.follow import Follower
from gateway.store.samples import Queued
from gateway.version import VERSION
from recorder.carry import Carrier
from recorder.sampler import Status
from recorder.writer import SampleTables

log = structlog.get_logger(__name__)


def process_metrics(readiness: Readiness) -> tuple[Metrics, dict[str, Service]]:
    """What every process shows, and what must run for it."""
    lag = LoopLag(SystemClock())
    metrics = Metrics()
    metrics.add(ProcessFigures(readiness, lag.seconds))
    return metrics, {"loop lag": lag.run}


@contextmanager
def metrics_port(metrics: Metrics, port: int) -> Iterator[Service]:
    """Nobody but this machine reaches it: there are no users here who could be asked who they are."""
    from gateway.run.metrics import metrics_server  # noqa: PLC0415 - a web server is loaded by who wants one

    with closing(listen("127.0.0.1", port, "GATEWAY_METRICS_PORT")) as listening:
        log.info("metrics", url=f"http://127.0.0.1:{listening.getsockname()[1]}/metrics")
        yield metrics_server(metrics, listening)


class ProcessFigures(msgspec.Struct, frozen=True):
    """Of every process."""

    readiness: Readiness
    loop_lag: Histogram

    def __call__(self) -> Iterator[Sample]:
        yield Sample("gw_build_info", 1, (VERSION,))
        for part in self.readiness.parts():
            yield Sample("gw_part_ok", part.state == "ok", (part.name,))
        yield Sample("gw_loop_lag_seconds", self.loop_lag)


class WebFigures(msgspec.Struct, frozen=True):
    """Of a process with clients."""

    sites: tuple[str, ...]
    hub: Hub
    follower: Follower
    connections: Connections

    def __call__(self) -> Iterator[Sample]:
        yield from self._of_connections()
        yield from self._of_the_hub()
        for site in self.sites:
            yield Sample("gw_tail_lag_entries", self.follower.behind(site), (site,))
            yield Sample("gw_epoch_changes_total", self.hub.epoch_changes[site], (site,))
            state = self._link_state(site)
            for one in LINK_STATES:
                yield Sample("gw_link_state", one == state, (site, one))

    def _of_connections(self) -> Iterator[Sample]:
        for state, count in self.connections.states().items():
            yield Sample("gw_clients", count, (state,))
        counts = self.connections.counts
        yield from _tallied("gw_connects_total", counts.connects)
        yield from _tallied("gw_closes_total", counts.closes)
        yield from _tallied("gw_ratelimited_total", counts.limited)
        yield Sample("gw_client_lag_seconds", counts.lag)

    def _of_the_hub(self) -> Iterator[Sample]:
        groups, traffic = self.hub.groups, self.hub.traffic
        yield Sample("gw_subs", sum(len(group.members) for group in groups))
        yield Sample("gw_groups", len(groups))
        yield Sample("gw_conflated_clients", self.hub.count_conflated())
        yield Sample("gw_frames_total", traffic.shared_frames, ("shared",))
        yield Sample("gw_frames_total", traffic.private_frames, ("private",))
        yield Sample("gw_bytes_total", traffic.written_bytes)
        yield Sample("gw_encode_total", traffic.encoded)
        yield from _tallied("gw_resets_total", traffic.resets)
        yield from _tallied("gw_resume_total", traffic.resumes)

    def _link_state(self, site: str) -> object:
        try:
            mirror = self.hub.state(site)
        except StoreUnavailable:
            return None
        reading = None if mirror is None else mirror.readings.get(STATE)
        return None if reading is None else reading.value


class BridgeFigures(msgspec.Struct, frozen=True):
    """Of one site in the process that feeds it. ``broker`` are the counts of its ``Broker``."""

    site: str
    ingest: Ingest
    leader: Leader
    broker: Counts

    def __call__(self) -> Iterator[Sample]:
        site, counts = (self.site,), self.ingest.counts
        yield Sample("gw_leads", self.leader.leads, site)
        yield Sample("gw_box_connects_total", self.broker.connections, site)
        yield Sample("gw_box_overflows_total", self.broker.overflows, site)
        yield Sample("gw_messages_total", counts.messages, site)
        yield from _tallied("gw_unreadable_total", counts.unreadable, site)
        yield Sample("gw_unreadable_total", self.broker.unreadable_topics, (self.site, "topic"))
        yield Sample("gw_unchanged_dropped_total", counts.unchanged, site)
        yield Sample("gw_ingest_seconds", counts.seconds, site)
        yield Sample("gw_epochs_opened_total", self.leader.epochs_opened, site)
        yield Sample("gw_fence_rejects_total", self.leader.fence_rejects, site)


class RecorderFigures(msgspec.Struct, frozen=True):
    """Of one site in a process that records it."""

    site: str
    status: Callable[[], Status]
    rows: SampleTables
    writer: Carrier[Queued]

    def __call__(self) -> Iterator[Sample]:
        site, status = (self.site,), self.status()
        yield Sample("gw_recorder_slot_lag_seconds", self.rows.lag, site)
        yield Sample("gw_recorder_queue_slots", status.fill.slots if status.fill else self.writer.waiting, site)
        yield Sample("gw_recorder_slots_total", status.sampled, (self.site, "sampled"))
        yield Sample("gw_recorder_slots_total", status.skipped, (self.site, "skipped"))
        yield Sample("gw_recorder_slots_total", status.thinned_away, (self.site, "thinned"))
        yield Sample("gw_recorder_slots_total", self.rows.bad, (self.site, "unreadable"))


def _tallied(name: str, tally: Tally, before: Iterable[str] = ()) -> Iterator[Sample]:
    return (Sample(name, count, (*before, kind)) for kind, count in tally)
