"""Each row of the bench in a tiny setting, so that it never rots: it yields finite ratios. Nothing is timed."""

import math
import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.bench import (
    burst,
    catchup,
    frame,
    history,
    ingest,
    latency,
    memory,
    publish,
    resume,
    slots,
    snapshot,
    stalls,
)
from tests.bench import rest as at_rest
from tests.bench.__main__ import ROWS
from tests.bench.measure import Listening
from tests.bench.plot import svg
from tests.bench.table import Result, report
from tests.bench.world import Cores

pytestmark = pytest.mark.no_cover  # what it starts is traced by the tests of its single rules, and slow when traced

TINY: dict[str, Any] = {
    "frame": frame.Size(clients=(2,), views=(2,), changes=8, rounds=1),
    "burst": burst.Size(clients=2, bursts=1, rounds=1, stretch_s=1.2, stretches=1, first_t=66),
    "memory": memory.Size(clients=20, rounds=1),
    "ingest": ingest.Size(messages=400, rounds=1, entries=10),
    "latency": latency.Size(messages=4, rounds=1, least_pause_s=0, most_pause_s=0.01),
    "snapshot": snapshot.Size(clients=4),
    "resume": resume.Size(entries=100, back=(10,), repeated=1),
    "slots": slots.Size(slots=3, series=2, missed=10, rounds=1),
    "catchup": catchup.Size(slots=20, series=2, rounds=1),
    "history": history.Size(days=3, series=2, rounds=1),
    "stalls": stalls.Size(seconds=0.2, every_s=0.001, slow=1, reading=1, browser=False),
    "rest": at_rest.Size(settle_s=0, seconds=2, pieces=1),
}


@pytest.fixture
def cores() -> Iterator[Cores]:
    allowed = frozenset(os.sched_getaffinity(0))
    yield Cores(allowed, allowed)
    os.sched_setaffinity(0, allowed)


def test_every_row_is_tried() -> None:
    assert TINY.keys() == ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_yields_a_ratio(name: str, cores: Cores) -> None:
    listening = Listening()
    for row in await ROWS[name][0](TINY[name], cores):
        assert math.isfinite(row.ratio), row
        assert row.ratio >= 0
    assert 0 <= listening.noise().others <= 1


def test_the_documents_show_the_figures_that_lie_beside_them() -> None:
    """``python -m tests.bench publish`` makes both."""
    result = msgspec.json.decode(publish.FIGURES.read_bytes(), type=Result)
    assert report(result) in publish.PAGE.read_text()
    assert svg(result) == publish.PICTURE.read_text()
