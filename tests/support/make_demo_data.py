"""Makes ``gateway/simulator/data``, what the demo plays, from the recorded box.

``python -m tests.support.make_demo_data`` writes it again. The start state and the session, without what no
subscriber of ours reads: the echoes below ``openWB/set/`` and the inputs of devices below ``openWB/mqtt/``.

Two things of that box are not fit to be shown, and are made plausible: it had run for less than a day, so what it
counted "today" was all that its meters ever counted; and its tariff cost nothing.
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from gateway.simulator.capture import Recorded
from tests.support.captures import load_capture

FOLDER: Final = Path(__file__).parents[2] / "gateway/simulator/data"
LEFT_OUT: Final = ("openWB/set/", "openWB/mqtt/")

Part: TypeAlias = Literal["start", "session"]
PARTS: Final[tuple[Part, ...]] = ("start", "session")

TODAY: Final = re.compile(r"openWB/(?P<kind>\w+)/(?P<device>\d+/)?get/daily_(?P<way>imported|exported)")
PRICES: Final = re.compile(r"openWB/optional/ep/(\w+/)?get/prices")
# what one device has counted by the time the session begins
BY_THE_MORNING_WH: Final[Mapping[tuple[str, str], float]] = MappingProxyType(
    {
        ("pv", "exported"): 6_200,
        ("counter", "imported"): 1_100,
        ("counter", "exported"): 3_400,
        ("bat", "imported"): 2_000,
        ("bat", "exported"): 800,
    }
)
CENTS_BY_HOUR: Final = (
    26,
    25,
    24,
    24,
    25,
    27,
    31,
    34,
    35,
    32,
    29,
    27,
    25,
    24,
    25,
    27,
    30,
    34,
    36,
    35,
    32,
    30,
    28,
    27,
)


def demo_messages(part: Part) -> Iterator[Recorded]:
    """What ``part`` of the demo should hold."""
    start = _recorded("start")
    days = _Days(start)
    for message in start if part == "start" else _recorded(part):
        yield msgspec.structs.replace(message, payload=_priced(message) or days.counted(message) or message.payload)


def _recorded(part: Part) -> list[Recorded]:
    recorded = load_capture("v2-start" if part == "start" else "v2-session")
    return [message for message in recorded if not message.topic.startswith(LEFT_OUT)]


class _Days:
    """The counters of the day: those of the recording, from a plausible morning on. A sum is that of its devices."""

    def __init__(self, start: Iterable[Recorded]) -> None:
        self._ahead_wh: dict[str, float] = {}
        found = {message.topic: match for message in start if (match := TODAY.fullmatch(message.topic))}
        for message in start:
            match = found.get(message.topic)
            if match is not None and message.payload != "null":
                same = [one for one in found.values() if one["kind"] == match["kind"] and one["way"] == match["way"]]
                devices = 1 if match["device"] else sum(1 for one in same if one["device"])
                morning_wh = devices * BY_THE_MORNING_WH.get((match["kind"], match["way"]), 0)
                self._ahead_wh[message.topic] = float(message.payload) - morning_wh

    def counted(self, message: Recorded) -> str | None:
        """The payload of a counter of the day, None for any other message."""
        ahead_wh = self._ahead_wh.get(message.topic)
        if ahead_wh is None or message.payload in ("", "null"):
            return None
        return json.dumps(round(float(message.payload) - ahead_wh, 3))


def _priced(message: Recorded) -> str | None:
    """The payload of a list of prices in EUR/Wh by the beginning of their slot, None for any other message."""
    if not PRICES.fullmatch(message.topic) or not message.payload:
        return None
    slots = json.loads(message.payload)
    return json.dumps({slot: CENTS_BY_HOUR[int(slot) // 3600 % 24] / 100_000 for slot in slots})


def packed(messages: Iterable[Recorded]) -> bytes:
    """The messages as gzipped JSON lines, the same bytes each time."""
    lines = [json.dumps(msgspec.structs.asdict(message), separators=(",", ":")) for message in messages]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    for part in PARTS:
        (FOLDER / f"openwb2-{part}.jsonl.gz").write_bytes(packed(demo_messages(part)))
