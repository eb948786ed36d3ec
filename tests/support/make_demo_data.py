"""Makes ``gateway/simulator/data``, what the demo plays, from the recorded box.

``python -m tests.support.make_demo_data`` writes it again. The start state and the session, without what no
subscriber of ours reads: the echoes below ``openWB/set/`` and the inputs of devices below ``openWB/mqtt/``.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.simulator.capture import Recorded
from tests.support.captures import load_capture

FOLDER: Final = Path(__file__).parents[2] / "gateway/simulator/data"
LEFT_OUT: Final = ("openWB/set/", "openWB/mqtt/")

Part: TypeAlias = Literal["start", "session"]
PARTS: Final[tuple[Part, ...]] = ("start", "session")


def demo_messages(part: Part) -> Iterator[Recorded]:
    """What ``part`` of the demo should hold."""
    recorded = load_capture("v2-start" if part == "start" else "v2-session")
    return (message for message in recorded if not message.topic.startswith(LEFT_OUT))


def packed(messages: Iterable[Recorded]) -> bytes:
    """The messages as gzipped JSON lines, the same bytes each time."""
    lines = [json.dumps(msgspec.structs.asdict(message), separators=(",", ":")) for message in messages]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    for part in PARTS:
        (FOLDER / f"openwb2-{part}.jsonl.gz").write_bytes(packed(demo_messages(part)))
