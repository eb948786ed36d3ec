"""The table of metrics, the page made from it, and what operations.md says of them."""

from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.figures import Histogram
from gateway.services.metrics import METRICS, Declared, Metrics, Sample

OPERATIONS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
# Dashboards and alerts rely on these names: none is renamed or given other labels.
NAMES = {
    "gw_box_connects_total": ("site",),
    "gw_box_overflows_total": ("site",),
    "gw_build_info": ("version",),
    "gw_bytes_total": (),
    "gw_client_lag_seconds": (),
    "gw_clients": ("state",),
    "gw_closes_total": ("code",),
    "gw_conflated_clients": (),
    "gw_connects_total": ("result",),
    "gw_encode_total": (),
    "gw_epoch_changes_total": ("site",),
    "gw_epochs_opened_total": ("site",),
    "gw_fence_rejects_total": ("site",),
    "gw_frames_total": ("kind",),
    "gw_groups": (),
    "gw_ingest_seconds": ("site",),
    "gw_leads": ("site",),
    "gw_link_state": ("site", "state"),
    "gw_loop_lag_seconds": (),
    "gw_messages_total": ("site",),
    "gw_part_ok": ("part",),
    "gw_ratelimited_total": ("scope",),
    "gw_recorder_queue_slots": ("site",),
    "gw_recorder_slot_lag_seconds": ("site",),
    "gw_recorder_slots_total": ("site", "fate"),
    "gw_resets_total": ("why",),
    "gw_resume_total": ("how",),
    "gw_subs": (),
    "gw_tail_lag_entries": ("site",),
    "gw_unchanged_dropped_total": ("site",),
    "gw_unreadable_total": ("site", "reason"),
}
ROWS = "\n".join(
    f"| `{one.name}{{{','.join(one.labels)}}}` | {one.kind} | {one.process} | {one.says} |".replace("{}", "")
    for one in METRICS
)


def test_names_and_labels_are_stable() -> None:
    assert {one.name: one.labels for one in METRICS} == NAMES


@pytest.mark.parametrize("declared", METRICS, ids=lambda one: one.name)
def test_a_name_says_what_it_is(declared: Declared) -> None:
    assert declared.name.endswith("_total") == (declared.kind == "counter")
    assert declared.name.endswith("_seconds") == (declared.kind == "histogram")
    assert declared.says.endswith(".")


def test_operations_has_the_table() -> None:
    assert ROWS in OPERATIONS, f"docs/operations.md should have these rows:\n{ROWS}"


def test_the_page_is_what_prometheus_reads() -> None:
    metrics, lag = Metrics(), Histogram([0.5, 1])
    for seen in (0.2, 0.7, 3):
        lag.observe(seen)
    metrics.add(lambda: [Sample("gw_subs", 3), Sample("gw_loop_lag_seconds", lag)])
    metrics.add(lambda: [Sample("gw_closes_total", 2, ("4102",)), Sample("gw_closes_total", 0, ("1000",))])
    families = {family.name: family for family in text_string_to_metric_families(metrics.page().decode())}
    subs, closes, lags = families["gw_subs"], families["gw_closes"], families["gw_loop_lag_seconds"]
    declared = {one.name: one for one in METRICS}
    assert (subs.type, subs.documentation) == ("gauge", declared["gw_subs"].says)
    assert [(one.labels, one.value) for one in subs.samples] == [({}, 3)]
    assert (closes.type, closes.documentation) == ("counter", declared["gw_closes_total"].says)
    assert {one.labels["code"]: one.value for one in closes.samples} == {"4102": 2, "1000": 0}
    assert lags.type == "histogram"
    assert [
        (one.name.removeprefix("gw_loop_lag_seconds"), one.labels.get("le"), one.value) for one in lags.samples
    ] == [
        ("_bucket", "0.5", 1),
        ("_bucket", "1.0", 2),
        ("_bucket", "+Inf", 3),
        ("_count", None, 3),
        ("_sum", None, pytest.approx(3.9)),
    ]


def test_what_no_source_has_is_not_there_and_the_rest_in_the_tables_order() -> None:
    metrics = Metrics()
    assert b"gw_" not in metrics.page()
    metrics.add(lambda: [Sample("gw_leads", 1, ("home",)), Sample("gw_subs", 0)])
    page = metrics.page().decode()
    order = [page.index(f"# TYPE {name} ") for name in ("gw_subs", "gw_leads")]
    assert all(one < other for one, other in pairwise(order))
    assert "# TYPE process_resident_memory_bytes gauge" in page
