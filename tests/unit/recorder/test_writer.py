"""What no table takes is told before a database has to refuse it. The rest needs real ones: tests/contract."""

import pytest
from msgspec.structs import replace

from gateway.domain.slots import Sample
from recorder.writer import MOST_EPOCH_CHARS, MOST_KEY_CHARS, MOST_PERIOD_MS, MOST_SEQ, unfit

WELL = Sample(60_000, 60_000, "epoch", 1, {"grid/power_w": (-1e308, 0), "pv/power_w": (None, 1)})


@pytest.mark.parametrize(
    "sample",
    [
        WELL,
        replace(WELL, period_ms=MOST_PERIOD_MS, seq=MOST_SEQ, epoch="e" * MOST_EPOCH_CHARS),
        replace(WELL, values={"k" * MOST_KEY_CHARS: (0.0, 3)}),
        replace(WELL, values={}),
    ],
)
def test_what_tables_take(sample: Sample) -> None:
    assert unfit(sample) is None


@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (replace(WELL, period_ms=0), "period 0 ms"),
        (replace(WELL, period_ms=MOST_PERIOD_MS + 1), "out of range"),
        (replace(WELL, seq=MOST_SEQ + 1), "out of range"),
        (replace(WELL, seq=-1), "seq -1"),
        (replace(WELL, epoch="e" * (MOST_EPOCH_CHARS + 1)), "epoch of 65 characters"),
        (replace(WELL, values={"k" * (MOST_KEY_CHARS + 1): (0.0, 0)}), "key of 256 characters"),
        (replace(WELL, values={"a": (0.0, 4)}), "quality 4 of a"),
        (replace(WELL, values={"a": (0.0, -1)}), "quality -1 of a"),
        (replace(WELL, values={"a": (float("nan"), 0)}), "a is nan"),
        (replace(WELL, values={"a": (float("-inf"), 0)}), "a is -inf"),
    ],
)
def test_what_no_table_takes(sample: Sample, says: str) -> None:
    assert says in str(unfit(sample))
