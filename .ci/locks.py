#!/usr/bin/env python3
"""Makes the locks, and tells whether they are in step with pyproject.toml.

    locks.py          write run.lock, embedded.lock and dev.lock (needs uv)
    locks.py check    fail with one line when a lock was made from other dependency tables

run.lock is what the gateway needs, embedded.lock only what the extra "embedded" adds to it, dev.lock everything.
Their first line is the hash of the tables that they were made from. They hold hashes and markers, no addresses.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("run.lock", "embedded.lock", "dev.lock")
EXPORT = (
    "export",
    "--quiet",
    "--locked",
    "--no-python-downloads",
    "--no-header",
    "--no-annotate",
    "--no-emit-project",
)
WAYS = {
    "run.lock": ("--no-dev",),
    "embedded.lock": ("--no-dev", "--extra", "embedded"),
    "dev.lock": ("--extra", "embedded"),
}


def first_line() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tables = {
        "requires-python": project["project"]["requires-python"],
        "dependencies": project["project"]["dependencies"],
        "optional-dependencies": project["project"]["optional-dependencies"],
        "dependency-groups": project["dependency-groups"],
        "build-system": project["build-system"],
    }
    digest = hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
    return f"# dependency tables of pyproject.toml: sha256 {digest}\n"


def uv(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def packages(lock: str) -> list[str]:
    """The entries of a lock, each with its hashes."""
    return re.findall(r"^\S.*\n(?:[ \t].*\n)*", lock, flags=re.MULTILINE)


def write() -> None:
    uv("lock", "--no-python-downloads")
    found = {name: packages(uv(*EXPORT, *way, "--format", "requirements.txt")) for name, way in WAYS.items()}
    found["embedded.lock"] = [entry for entry in found["embedded.lock"] if entry not in found["run.lock"]]
    for name, entries in found.items():
        (ROOT / name).write_text(first_line() + "".join(entries))


def faults() -> list[str]:
    wanted = first_line()
    told = []
    for name in LOCKS:
        lock = (ROOT / name).read_text()
        if not lock.startswith(wanted):
            told.append(f"{name} is not in step with pyproject.toml; run: make lock")
        if "://" in lock:
            told.append(f"{name} holds an address; run: make lock")
        if any("--hash=" not in entry for entry in packages(lock) if not entry.startswith("#")):
            told.append(f"{name} holds a package without hashes; run: make lock")
    return told


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        sys.exit("\n".join(faults()) or 0)
    write()
