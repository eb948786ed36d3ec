"""``make bench``: figures that decisions rest on, each beside its baseline in the same run. Ratios count."""

from tests.bench.fanout import fanout_rows
from tests.bench.ingest import ingest_rows
from tests.bench.resume import resume_rows
from tests.bench.stalls import stall_rows
from tests.bench.table import Row, printed


def main() -> None:
    rows: list[Row] = [*resume_rows(), *ingest_rows(), *fanout_rows(), *stall_rows()]
    print(printed(rows))


if __name__ == "__main__":
    main()
