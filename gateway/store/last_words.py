"""What the embedded server said before it ended, in words that say what to do."""

import re
from pathlib import Path

NOT_A_LAST_WORD = "Memory overcommit must be enabled"  # said at each start on most machines
MOST_LINES = 3
AOF_FOLDER = "appendonlydir"
STAMP = re.compile(r"^\d+:\S+ \d+ \w+ \d{4} [\d:.]+ [#*.-] ")
DAMAGED = re.compile(
    r"(?:(?:Bad file format|Unrecoverable error) reading the append only|Error reading the RDB base) file"
    r" (?P<file>[\w-]+(?:\.[\w-]+)*)"
)
MANIFEST = re.compile(r"AOF MANIFEST FILE ERROR|Invalid AOF manifest", re.IGNORECASE)
OTHER_MACHINE = re.compile(r"Exec format error|cannot execute binary")
MAGIC = re.compile(rb"(?:VALKEY|REDIS)\d+")


def told(log: str, folder: Path) -> str:
    """One sentence about the end of a server that kept its files in ``folder``."""
    lines = [STAMP.sub("", line).strip() for line in log.splitlines()]
    lines = [line for line in lines if line and NOT_A_LAST_WORD not in line]
    said = " | ".join(lines[-MOST_LINES:])
    if found := DAMAGED.search(log):
        return f"its file {found['file']} is damaged{_or_newer(folder, found['file'])}; {_start_empty(folder)}"
    if MANIFEST.search(log):
        return f"its file appendonly.aof.manifest is damaged; {_start_empty(folder)}"
    if "No space left on device" in log:
        return f"no space is left for {folder}"
    if OTHER_MACHINE.search(log):
        return (
            "it was made for another kind of processor; install redis-server (Debian: apt-get install redis-server)"
        )
    return said or "it said nothing"


def _or_newer(folder: Path, name: str) -> str:
    """The head of the file tells which server wrote it; a newer one's looks damaged to an older one."""
    try:
        with (folder / AOF_FOLDER / name).open("rb") as file:
            found = MAGIC.match(file.read(16))
    except OSError:
        return ""
    return f", or was written by a newer or another server (format {found[0].decode()})" if found else ""


def _start_empty(folder: Path) -> str:
    return (
        f"move {folder / AOF_FOLDER} away and start again: the box sends its values anew, only past events are lost"
    )
