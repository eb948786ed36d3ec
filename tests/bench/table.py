"""What a run found: figures with their spread, each beside its baseline, in one table."""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One quantity, measured several times."""

    samples: tuple[float, ...]

    @classmethod
    def of(cls, *samples: float) -> "Figure":
        return cls(tuple(float(sample) for sample in samples))

    @property
    def median(self) -> float:
        return median(self.samples)

    def __str__(self) -> str:
        if len(self.samples) == 1:
            return f"{self.median:.4g}"
        return f"{self.median:.4g} ({min(self.samples):.3g} to {max(self.samples):.3g})"


class Budget(msgspec.Struct, frozen=True):
    """What architecture 13 allows: of our figure, or of its ratio to the baseline."""

    limit: float
    of_ratio: bool = False
    at_least: bool = False

    def holds(self, ours: float, ratio: float) -> bool:
        held = ratio if self.of_ratio else ours
        return held >= self.limit if self.at_least else held <= self.limit

    def __str__(self) -> str:
        return f"{'ratio ' if self.of_ratio else ''}{'>=' if self.at_least else '<='} {self.limit:.4g}"


class Row(msgspec.Struct, frozen=True):
    """``ours`` and ``baseline`` in ``unit``; ``against`` says what the baseline is."""

    what: str
    unit: str
    ours: Figure
    against: str
    baseline: Figure
    budget: Budget | None = None

    @property
    def ratio(self) -> float:
        return self.ours.median / self.baseline.median

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return ""
        return f"{self.budget}: {'holds' if self.budget.holds(self.ours.median, self.ratio) else 'FAILS'}"


class Part(msgspec.Struct, frozen=True):
    """The rows of one file, how long they took, and what was to be said of that time."""

    name: str
    rows: tuple[Row, ...]
    took_s: float
    remarks: tuple[str, ...]


class Result(msgspec.Struct, frozen=True):
    """A run; ``machine`` in words."""

    machine: str
    at: str
    parts: tuple[Part, ...]


def printed(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    head = ["| what | unit | ours | baseline | | ratio | budget |", "|---|---|---|---|---|---|---|"]
    lines = [
        f"| {row.what} | {row.unit} | {row.ours} | {row.baseline} | {row.against}"
        f" | {shown(row.ratio)} | {row.verdict} |"
        for row in rows
    ]
    return "\n".join([*head, *lines])


def shown(ratio: float) -> str:
    """Small ones as a fraction, as the budgets have them."""
    return f"1/{1 / ratio:.1f}" if 0 < ratio < 0.2 else f"{ratio:.3g}"


def report(result: Result) -> str:
    """The table and the remarks, as Markdown."""
    rows: Sequence[Row] = [row for part in result.parts for row in part.rows]
    remarks = [
        f"- {part.name}: {remark}" for part in result.parts for remark in (f"{part.took_s:.0f} s", *part.remarks)
    ]
    return "\n".join([f"{result.at}, {result.machine}", "", printed(rows), "", *remarks, ""])
