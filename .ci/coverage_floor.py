"""Holds branch coverage to its floors; reads .coverage.unit and .coverage.parts, written by .ci/test.

* a module of gateway/domain or gateway/protocol counts only what its own unit tests cover
  (gateway/domain/values.py: tests/unit/domain/test_values.py and test_values_*.py), and that must be all of it;
* the other modules together, by all tests and the processes they start: 90 %.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from coverage import Coverage

ROOT = Path(__file__).resolve().parent.parent
WHOLE = ("domain", "protocol")
REST_PERCENT = 90.0
MOST_NAMED = 12


def report(data_file: Path, files: list[str], contexts: list[str] | None = None) -> dict[str, Any]:
    coverage = Coverage(data_file=data_file, config_file=ROOT / "pyproject.toml")
    coverage.load()
    with tempfile.NamedTemporaryFile("r") as written:
        coverage.json_report(morfs=files, outfile=written.name, contexts=contexts)
        told: dict[str, Any] = json.load(written)
    return told


def faults_of(module: Path) -> list[str]:
    """What the module's own tests leave uncovered."""
    tests = f"tests/unit/{module.parent.relative_to('gateway').as_posix()}/test_{module.stem}"
    # Definitions run when a module is imported, which may be before any test: those runs have no context.
    told = report(ROOT / ".coverage.unit", [str(ROOT / module)], ["^$", rf"^{tests}(_\w+)?\.py::"])
    found = []
    for name, file in told["files"].items():
        for what in ("missing_lines", "missing_branches"):
            if missing := file[what]:
                named = ", ".join(str(one) for one in missing[:MOST_NAMED])
                more = "" if len(missing) <= MOST_NAMED else f" and {len(missing) - MOST_NAMED} more"
                found.append(f"{name}: {what.replace('_', ' ')} {named}{more}; {tests}.py must cover them")
    return found


def rest_percent(modules: list[Path]) -> tuple[float, list[tuple[float, str]]]:
    """Percent of lines and branches of all modules together, and the worst ones."""
    together = ROOT / ".coverage.all"
    coverage = Coverage(data_file=together, config_file=ROOT / "pyproject.toml")
    coverage.combine([str(ROOT / ".coverage.unit"), str(ROOT / ".coverage.parts")], strict=True, keep=True)
    coverage.save()
    told = report(together, [str(ROOT / module) for module in modules])
    totals = told["totals"]
    covered = totals["covered_lines"] + totals["covered_branches"]
    percent = 100.0 * covered / max(1, totals["num_statements"] + totals["num_branches"])
    each = sorted((file["summary"]["percent_covered"], name) for name, file in told["files"].items())
    return percent, [one for one in each if one[0] < REST_PERCENT]


def main() -> int:
    if absent := [name for name in (".coverage.unit", ".coverage.parts") if not (ROOT / name).exists()]:
        print(f"FAULT: not measured: {', '.join(absent)}; run .ci/test")
        return 1
    files = (file for room in ("gateway", "recorder") for file in (ROOT / room).rglob("*.py"))
    modules = sorted(file.relative_to(ROOT) for file in files if file.stat().st_size)
    whole = [module for module in modules if module.parts[1] in WHOLE]
    rest = [module for module in modules if module not in whole and "migrations" not in module.parts]
    faults = [fault for module in whole for fault in faults_of(module)]
    print(f"coverage: {len(whole)} modules of {' and '.join(WHOLE)}, {len(faults)} of their floors missed")
    percent, worst = rest_percent(rest)
    print(f"coverage: the rest together {percent:.1f} %, floor {REST_PERCENT} %")
    for part, name in worst:
        print(f"    {part:5.1f} %  {name}")
    if percent < REST_PERCENT:
        faults.append(f"the rest is covered by {percent:.1f} % only")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
