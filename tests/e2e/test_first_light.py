"""Real streams of both dialects through real parts to 200 clients, while everything is killed: the oracle is content.

That it would find something is shown in ``test_teeth.py``, where runs of this kind go red against broken builds.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.openwb19 import OpenWB19Reader
from tests.support.oracle import Report
from tests.support.recording import Capture
from tests.support.scenario import Plan, Reader, Scenario
from tests.support.scenario_faults import (
    box_switched_off,
    bridge_killed,
    broker_killed,
    redis_killed,
    redis_tail_cut,
    web_killed,
)
from tests.support.sources import played
from tests.support.streams import capture19_with_rare_keys, capture_with_rare_keys

# the judge and its clients are none of what is measured, and slow when traced
pytestmark = [pytest.mark.long, pytest.mark.no_cover]

CLIENTS = 200
SHORT = {
    # so little may be under way that clients which stall for a second or two are conflated
    "GATEWAY_LIMIT_UNACKNOWLEDGED_BYTES": "65536",
    # of the 10 s that go by between two heartbeats on the box's own clock, which is played faster than it went
    "GATEWAY_SILENT_AFTER_INTERVALS": "0.4",
}
FAULTS = (
    (0.08, redis_killed),
    (0.2, web_killed),
    (0.32, box_switched_off),
    (0.42, bridge_killed),
    (0.52, redis_tail_cut(60_000)),
    (0.64, broker_killed),
    (0.74, redis_killed),
    (0.84, web_killed),
)


def plan(capture: Capture, speed: float, reader: Callable[[], Reader], seed: int) -> Plan:
    source = played(capture, speed)
    return Plan(source, reader, clients=CLIENTS, seed=seed, faults=FAULTS, pause_s=(0.3, 2.5), environ=SHORT)


def openwb_2(seed: int) -> Plan:
    """Thousands of keys that seldom change; devices fall into fault and come out of it."""
    return plan(capture_with_rare_keys(seed, until_s=240, devices=400), 7, OpenWB2Reader, seed)


def openwb_19(seed: int) -> Plan:
    """Not told which dialect it is; its few devices tell rare things several times, and two of them come and go."""
    return plan(capture19_with_rare_keys(seed, until_s=600), 17, OpenWB19Reader, seed)


async def judged(folder: Path, planned: Plan) -> Report:
    scenario = Scenario(folder, planned)
    report = await scenario.run()
    print(report)  # shown when the test fails, with -s always
    assert report.clean, f"{report}\n{scenario.story()}"
    assert report.unreadable == 0
    assert report.tally.final >= CLIENTS + 2
    assert report.tally.resumed > CLIENTS
    assert report.tally.resets > 0
    assert report.tally.dead > CLIENTS
    assert report.tally.strict > 5_000  # how many more are loose depends on how long a busy machine takes to connect
    assert report.tally.agreed > 1000
    assert all(tally.strict > 3 for name, tally in report.per_client.items() if name != "latecomer")
    return report


async def test_openwb_2_reaches_200_clients_right_while_everything_is_killed(tmp_path: Path) -> None:
    """They mix filters, intervals, pauses, stalls and resumes."""
    report = await judged(tmp_path, openwb_2(seed=2))
    assert report.keys > 2000


async def test_openwb_19_reaches_200_clients_right_while_everything_is_killed(tmp_path: Path) -> None:
    report = await judged(tmp_path, openwb_19(seed=2))
    assert report.keys > 130
