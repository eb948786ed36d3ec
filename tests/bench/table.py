"""One table: what, ours, the baseline, and their ratio."""

from collections.abc import Iterable

import msgspec


class Row(msgspec.Struct, frozen=True):
    """``ours`` and ``baseline`` in ``unit``; for a rate more is better, for all else less."""

    what: str
    unit: str
    ours: float
    against: str
    baseline: float

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline


def printed(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    head = ["| what | unit | ours | baseline | | ratio |", "|---|---|---|---|---|---|"]
    lines = [
        f"| {row.what} | {row.unit} | {row.ours:.4g} | {row.baseline:.4g} | {row.against} | {row.ratio:.3g} |"
        for row in rows
    ]
    return "\n".join([*head, *lines])
