"""``make bench``: figures that decisions rest on, each beside its baseline in the same run. Ratios count.

``python -m tests.bench`` measures all rows, ``python -m tests.bench frame burst`` those; the table is printed, and
lies with the figures in ``.bench``. ``python -m tests.bench publish`` takes them over into the documents.
"""

import asyncio
import os
import platform
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.bench import (
    burst,
    catchup,
    frame,
    history,
    ingest,
    latency,
    memory,
    publish,
    rest,
    resume,
    slots,
    snapshot,
    stalls,
)
from tests.bench.measure import Listening, allow_many_files, started_on
from tests.bench.table import Part, Result, Row, report
from tests.bench.world import Cores

RESULTS = Path(__file__).parents[2] / ".bench"
Rows = Callable[[Any, Cores], Awaitable[list[Row]]]
ROWS: dict[str, tuple[Rows, Any]] = {
    "frame": (frame.rows, frame.Size()),
    "burst": (burst.rows, burst.Size()),
    "memory": (memory.rows, memory.Size()),
    "ingest": (ingest.rows, ingest.Size()),
    "latency": (latency.rows, latency.Size()),
    "snapshot": (snapshot.rows, snapshot.Size()),
    "resume": (resume.rows, resume.Size()),
    "slots": (slots.rows, slots.Size()),
    "catchup": (catchup.rows, catchup.Size()),
    "history": (history.rows, history.Size()),
    "stalls": (stalls.rows, stalls.Size()),
    "rest": (rest.rows, rest.Size()),
}
# they measure memory and bytes, and mostly wait: side by side, after all that measure time
SIDE_BY_SIDE = ("stalls", "rest")


async def measured(name: str, cores: Cores) -> Part:
    listening, began = Listening(), time.monotonic()
    print(f"{name} ...", file=sys.stderr, flush=True)
    rows, size = ROWS[name]
    found: list[Row] = []
    failed: tuple[str, ...] = ()
    try:
        found = await rows(size, cores)
    except Exception as error:  # noqa: BLE001 - the other rows are worth as much
        traceback.print_exc()
        failed = (f"FAILED, {type(error).__name__}: {error}",)
    return Part(name, tuple(found), time.monotonic() - began, (str(listening.noise()), *failed))


async def all_measured(names: Sequence[str], cores: Cores) -> list[Part]:
    parts = [await measured(name, cores) for name in names if name not in SIDE_BY_SIDE]
    together = [measured(name, cores) for name in names if name in SIDE_BY_SIDE]
    return [*parts, *await asyncio.gather(*together)]


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, CPython {platform.python_version()}"


def main(names: Sequence[str]) -> None:
    if names == ["publish"]:
        publish.publish(RESULTS / "results.json")
        return
    unknown = set(names) - set(ROWS)
    if unknown:
        sys.exit(f"no such rows: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)} and publish")
    allow_many_files()
    allowed = sorted(os.sched_getaffinity(0))
    cores = Cores(frozenset(allowed[:1]), frozenset(allowed[1:] or allowed))
    with started_on(cores.load):
        parts = asyncio.run(all_measured(names or list(ROWS), cores))
    result = Result(machine(), time.strftime("%Y-%m-%d %H:%M"), tuple(parts))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    (RESULTS / "results.md").write_text(report(result))
    print(report(result))
    if any(remark.startswith("FAILED") for part in parts for remark in part.remarks):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
