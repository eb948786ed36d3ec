"""What ``/metrics`` shows, in Prometheus's words: one table of all that there is, and the page made from it.

Whoever counts does so in plain numbers (``domain/figures.py``) and knows nothing of this file. A *source* reads them
when somebody asks, so that counting costs the same whether or not anybody ever does. No label has values that grow
with topics, users or addresses.
"""

from collections.abc import Callable, Iterable, Iterator
from math import isinf
from typing import Final, Literal, TypeAlias

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from gateway.domain.figures import Histogram

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4.partition("; charset")[0]
"""Without the charset, UTF-8, which whoever answers with text adds."""

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Process: TypeAlias = Literal["all", "web", "bridge", "recorder"]


class Declared(msgspec.Struct, frozen=True):
    """One metric: what it is called, what kind it is, who has it, and what it says (HELP)."""

    name: str
    kind: Kind
    process: Process
    says: str
    labels: tuple[str, ...] = ()


class Sample(msgspec.Struct, frozen=True):
    """What one of them is now, for these values of its labels."""

    name: str
    shown: float | Histogram
    labels: tuple[str, ...] = ()


Source: TypeAlias = Callable[[], Iterable[Sample]]

METRICS: Final = (
    Declared("gw_build_info", "gauge", "all", "Always 1; says which version runs.", ("version",)),
    Declared("gw_part_ok", "gauge", "all", "Whether a part works, as /health/ready has it: 1 or 0.", ("part",)),
    Declared(
        "gw_loop_lag_seconds", "histogram", "all", "How much later than asked for the event loop wakes a sleeper."
    ),
    # --- web --------------------------------------------------------------------------------------------------------
    Declared(
        "gw_clients",
        "gauge",
        "web",
        "Websockets: in their handshake, open but of nobody known, authenticated.",
        ("state",),
    ),
    Declared(
        "gw_connects_total", "counter", "web", "Handshakes of websockets: accepted, or why refused.", ("result",)
    ),
    Declared(
        "gw_closes_total", "counter", "web", "Websockets that ended, by close code; 1006: without one.", ("code",)
    ),
    Declared("gw_subs", "gauge", "web", "Subscriptions."),
    Declared("gw_groups", "gauge", "web", "Groups: different views and intervals, each encoded once."),
    Declared(
        "gw_frames_total",
        "counter",
        "web",
        "Messages written to clients: shared, a group's delta for all its members; private, all else.",
        ("kind",),
    ),
    Declared("gw_bytes_total", "counter", "web", "Bytes of these messages, with their frame headers."),
    Declared(
        "gw_encode_total", "counter", "web", "Messages with values that were encoded, for however many clients."
    ),
    Declared("gw_client_lag_seconds", "histogram", "web", "From a ping behind what was written to its pong."),
    Declared(
        "gw_conflated_clients",
        "gauge",
        "web",
        "Clients with so much on the way, unacknowledged, that their changes are merged instead of sent.",
    ),
    Declared("gw_resets_total", "counter", "web", "Subscriptions that were told to begin anew, by reason.", ("why",)),
    Declared(
        "gw_resume_total",
        "counter",
        "web",
        "Subscriptions that named the position they hold: resumed from there, or given a snapshot.",
        ("how",),
    ),
    Declared(
        "gw_ratelimited_total",
        "counter",
        "web",
        "What was refused because a limit was reached, by limit.",
        ("scope",),
    ),
    Declared(
        "gw_tail_lag_entries",
        "gauge",
        "web",
        "By how many entries this process is behind the store, as of its last look.",
        ("site",),
    ),
    Declared(
        "gw_epoch_changes_total", "counter", "web", "Times that the site's epoch became another one.", ("site",)
    ),
    Declared(
        "gw_link_state",
        "gauge",
        "web",
        "1 for the state that link/state has, 0 for the others; all 0 while nothing is known of the site.",
        ("site", "state"),
    ),
    # --- bridge -----------------------------------------------------------------------------------------------------
    Declared("gw_leads", "gauge", "bridge", "Whether this process leads the site: 1 or 0.", ("site",)),
    Declared("gw_box_connects_total", "counter", "bridge", "Connections made to the box's broker.", ("site",)),
    Declared(
        "gw_box_overflows_total",
        "counter",
        "bridge",
        "Connections given up because too many messages waited to be read.",
        ("site",),
    ),
    Declared("gw_messages_total", "counter", "bridge", "Messages of the box that were read.", ("site",)),
    Declared(
        "gw_unreadable_total",
        "counter",
        "bridge",
        "Messages that were skipped, by what was wrong with them; the log names the topic once.",
        ("site", "reason"),
    ),
    Declared(
        "gw_unchanged_dropped_total",
        "counter",
        "bridge",
        "Values that the box repeated and that went no further.",
        ("site",),
    ),
    Declared(
        "gw_ingest_seconds",
        "histogram",
        "bridge",
        "From the first message of an ingest window until its changes are in the store.",
        ("site",),
    ),
    Declared(
        "gw_epochs_opened_total",
        "counter",
        "bridge",
        "Epochs opened: when taking the lead, after lost data, for another dialect.",
        ("site",),
    ),
    Declared(
        "gw_fence_rejects_total",
        "counter",
        "bridge",
        "Writes that the store refused because another bridge leads.",
        ("site",),
    ),
    # --- recorder ---------------------------------------------------------------------------------------------------
    Declared(
        "gw_recorder_slot_lag_seconds",
        "histogram",
        "recorder",
        "From the end of a slot until its rows are in the database.",
        ("site",),
    ),
    Declared(
        "gw_recorder_queue_slots",
        "gauge",
        "recorder",
        "Slots in the store, as of the newest one: those that wait for the database, and the last one written.",
        ("site",),
    ),
    Declared(
        "gw_recorder_slots_total",
        "counter",
        "recorder",
        "Slots that were sampled; skipped, which nobody can know any more; thinned, to make room; unreadable.",
        ("site", "fate"),
    ),
)


class Metrics:
    """One process's page. Sources join while the process is put together."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._sources: list[Source] = []
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def add(self, source: Source) -> None:
        """What the source gives is on the page from now on; no two sources may give the same."""
        self._sources.append(source)

    def page(self) -> bytes:
        """All that is known now, in Prometheus's text format; its ``MEDIA_TYPE`` says which version."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """For the registry, so that it need not ask the sources what they have."""
        return (_family(declared, ()) for declared in METRICS)

    def collect(self) -> Iterator[Metric]:
        """For the registry: each metric that some source has, in the order of the table."""
        samples: dict[str, list[Sample]] = {}
        for source in self._sources:
            for sample in source():
                samples.setdefault(sample.name, []).append(sample)
        return (_family(one, samples[one.name]) for one in METRICS if one.name in samples)


def _family(declared: Declared, samples: Iterable[Sample]) -> Metric:
    name, labels = declared.name, declared.labels
    if declared.kind == "histogram":
        histogram = HistogramMetricFamily(name, declared.says, labels=labels)
        for sample in samples:
            assert isinstance(sample.shown, Histogram)
            histogram.add_metric(sample.labels, _buckets(sample.shown), sample.shown.total)
        return histogram
    kind = CounterMetricFamily if declared.kind == "counter" else GaugeMetricFamily
    family = kind(name, declared.says, labels=labels)
    for sample in samples:
        assert not isinstance(sample.shown, Histogram)
        family.add_metric(sample.labels, sample.shown)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    return [("+Inf" if isinf(bound) else str(float(bound)), count) for bound, count in histogram.at_most()]
