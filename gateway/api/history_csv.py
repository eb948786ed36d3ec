"""History as a table of RFC 4180: commas, points in numbers, CRLF. All fields are numbers, times and fixed words."""

import csv
from io import StringIO

from gateway.domain.history_columns import Column
from gateway.domain.moments import local_moment
from gateway.services.history import Answer


def csv_of(answer: Answer) -> bytes:
    """UTF-8. The first column is the time at which a bucket begins; each series has its columns side by side."""
    titles, columns = ["time"], [[local_moment(start / 1000, answer.zone).isoformat() for start in answer.starts]]
    for column in answer.columns:
        for name, fields in _fields(column).items():
            titles.append(f"{column.key} {name}".rstrip())
            columns.append(fields)
    table = StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(titles)
    writer.writerows(zip(*columns, strict=True))
    return table.getvalue().encode()


def _fields(column: Column) -> dict[str, list[str]]:
    """The columns of a series by their names, with that of the reasons last."""
    numbers = {
        "": column.values,
        "low": column.low,
        "high": column.high,
        "last": None if column.low is None else column.last,
        "energy_wh": column.energy_wh,
        "coverage": column.coverage,
    }
    fields = {
        name: ["" if one is None else repr(one) for one in some] for name, some in numbers.items() if some is not None
    }
    reasons = [""] * len(column.values)
    for gap in column.gaps:
        reasons[gap.begin : gap.end] = [gap.reason] * (gap.end - gap.begin)
    return {**fields, "gap": reasons}
