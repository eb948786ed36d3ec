"""The picture of a run, as SVG and without a library: how much of each budget is used, and what was compared."""

from collections.abc import Iterator
from html import escape

from tests.bench.table import Result, Row

WIDTH, LEFT, RIGHT, LINE, BAR = 900, 440, 60, 26, 14
INK, MUTED, OURS, OTHERS, OVER, PAPER = "#1f2933", "#7b8794", "#1f8f5f", "#c5ccd3", "#c0392b", "#ffffff"
FULL_AT = 0.75  # of the width: where a budget is used up


def used(row: Row) -> float:
    """The share of its budget that a row uses; 1 is all of it."""
    assert row.budget is not None
    measured = row.ratio if row.budget.of_ratio else row.ours.median
    return row.budget.limit / measured if row.budget.at_least else measured / row.budget.limit


def text(x: float, y: float, words: str, *, anchor: str = "start", fill: str = INK, size: int = 12) -> str:
    look = f'text-anchor="{anchor}" fill="{fill}" font-size="{size}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {look}>{escape(words.replace("`", ""))}</text>'


def bar(y: float, length: float, fill: str) -> str:
    return f'<rect x="{LEFT}" y="{y:.0f}" width="{max(1.0, length):.1f}" height="{BAR}" rx="2" fill="{fill}"/>'


def budgets(rows: list[Row], top: float) -> Iterator[str]:
    room = WIDTH - LEFT - RIGHT
    full = LEFT + room * FULL_AT
    yield text(16, top, "How much of each budget is used", size=15)
    yield text(full, top + 16, "budget", anchor="middle", fill=MUTED)
    bottom = top + 22 + LINE * len(rows)
    place = f'x1="{full:.0f}" y1="{top + 20:.0f}" x2="{full:.0f}" y2="{bottom:.0f}"'
    yield f'<line {place} stroke="{MUTED}" stroke-dasharray="3 3"/>'
    for number, row in enumerate(rows):
        y = top + 24 + LINE * number
        share = used(row)
        yield text(LEFT - 10, y + 11, row.what, anchor="end")
        yield bar(y, min(share * FULL_AT, 1.0) * room, OURS if share <= 1 else OVER)
        yield text(LEFT + min(share * FULL_AT, 1.0) * room + 6, y + 11, f"{share:.0%}", fill=MUTED)


def costs(rows: list[Row], top: float) -> Iterator[str]:
    """Each row's two bars at its own scale: the longer one is full."""
    room = WIDTH - LEFT - RIGHT - 40
    yield text(16, top, "CPU beside what it is compared with (µs, in one run)", size=15)
    for number, row in enumerate(rows):
        y = top + 18 + 2.4 * LINE * number
        longest = max(row.ours.median, row.baseline.median)
        yield text(LEFT - 10, y + 11, row.what, anchor="end")
        yield bar(y, row.ours.median / longest * room, OURS)
        yield text(LEFT + row.ours.median / longest * room + 6, y + 11, f"{row.ours.median:.3g}", fill=MUTED)
        yield text(LEFT - 10, y + 11 + LINE * 0.8, row.against, anchor="end", fill=MUTED)
        yield bar(y + LINE * 0.8, row.baseline.median / longest * room, OTHERS)
        at = LEFT + row.baseline.median / longest * room + 6
        yield text(at, y + 11 + LINE * 0.8, f"{row.baseline.median:.3g}", fill=MUTED)


def svg(result: Result) -> str:
    rows = [row for part in result.parts for row in part.rows]
    limited = [row for row in rows if row.budget is not None]
    compared = [
        row for row in rows if row.unit == "us" and row.what.startswith("CPU per") and "alone" not in row.what
    ]
    second = 60 + 30 + LINE * len(limited) + 40
    height = second + 30 + 2.4 * LINE * len(compared)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="{PAPER}"/>',
        text(16, 24, f"{result.at}, {result.machine}", fill=MUTED),
        *budgets(limited, 60),
        *costs(compared, second),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
