"""A run's figures into the documents: the JSON, the table between its marks, and the picture."""

from pathlib import Path

import msgspec

from tests.bench.plot import svg
from tests.bench.table import Result, report

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "pictures" / "benchmarks.json"
PICTURE = DOCS / "pictures" / "benchmarks.svg"
PAGE = DOCS / "benchmarks.md"
BEGIN, END = "<!-- the last run: made by tests/bench/publish.py -->\n", "<!-- end of the last run -->\n"


def page(text: str, result: Result) -> str:
    """The page with the result's table in the place of the former one."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{report(result)}\n{END}{after}"


def publish(results: Path) -> None:
    figures = results.read_bytes()
    result = msgspec.json.decode(figures, type=Result)
    FIGURES.write_bytes(figures)
    PICTURE.write_text(svg(result))
    PAGE.write_text(page(PAGE.read_text(), result))
