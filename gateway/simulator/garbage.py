"""What no healthy box says: payloads that cannot be read, and topics that nobody knows."""

import random
from collections.abc import Iterable
from typing import Final

from gateway.simulator.speech import Said

HUGE_BYTES: Final = 300_000
BROKEN: Final[tuple[bytes, ...]] = (
    b"{",
    b'{"id": 5, "na',
    b"[1, 2",
    b"\xff\xfe\x00\x01\x80binary",
    b"\x00",
    b"'single'",
    b"True",
    b"1,5",
    b"0x1F",
    b"1e999",
    b"-",
    b"<br />Traceback (most recent call last):",
    b"[" * 5_000,
    b'"' + b"x" * HUGE_BYTES + b'"',
    b"9" * 4_000,
)
"""Not readable, or far beyond every range: what is readable but untrue, nobody could tell from the truth."""

ODD_TOPICS: Final[tuple[str, ...]] = (
    "openWB/chargepoint/abc/get/power",
    "openWB/chargepoint/-1/get/power",
    "openWB/chargepoint//get/power",
    "openWB/chargepoint/5 /get/power",
    "openWB/chargepoint/99999999999999999999/get/power",
    "openWB/vehicle/\N{GREEK SMALL LETTER PI}/name",
    "openWB/counter/0/get/power/of/nothing",
    "openWB/lp/0/W",
    "openWB/lp/x/W",
    "openWB/lp/99/W",
    "openWB/foo/1/get/bar",
    "openWB/",
)
SPOILED: Final = 20


def garbage(chance: random.Random, topics: Iterable[str]) -> list[Said]:
    """Something for each odd topic, and for some of the box's own ones."""
    own = sorted(topics)
    spoiled = chance.sample(own, min(SPOILED, len(own)))
    odd = [Said(topic, b"11") for topic in ODD_TOPICS]
    return [*(Said(topic, chance.choice(BROKEN)) for topic in spoiled), *odd]
