"""Real streams of both dialects through real parts to 200 clients, while everything is killed: the oracle is content.

That it would find something is shown in ``test_teeth.py``, where runs of this kind go red against broken builds.
"""

from pathlib import Path

import pytest

from tests.support.oracle import Report
from tests.support.scenario import Plan, Scenario
from tests.support.scenario_faults import (
    box_switched_off,
    broker_killed,
    redis_killed,
    redis_tail_cut,
    web_killed,
)
from tests.support.streams import capture_with_rare_keys

pytestmark = pytest.mark.no_cover  # the judge and its clients are none of what is measured, and slow when traced

CLIENTS = 200
# so little may be under way that clients which stall for a second or two are conflated
CONFLATING = {"GATEWAY_LIMIT_UNACKNOWLEDGED_BYTES": "65536"}
FAULTS = (
    (0.08, redis_killed),
    (0.2, web_killed),
    (0.32, box_switched_off),
    (0.5, redis_tail_cut(60_000)),
    (0.64, broker_killed),
    (0.74, redis_killed),
    (0.84, web_killed),
)


async def judged(folder: Path, plan: Plan) -> Report:
    scenario = Scenario(folder, plan)
    report = await scenario.run()
    print(report)  # shown when the test fails, with -s always
    assert report.clean, f"{report}\n{scenario.story()}"
    assert report.unreadable == 0
    assert report.tally.final >= CLIENTS + 2
    assert report.tally.resumed > CLIENTS
    assert report.tally.resets > 0
    assert report.tally.dead > CLIENTS / 2
    assert report.tally.strict > 4 * report.tally.loose
    assert report.tally.agreed > 1000
    assert all(tally.strict > 10 for name, tally in report.per_client.items() if name != "latecomer")
    return report


async def test_openwb_2_reaches_200_clients_right_while_everything_is_killed(tmp_path: Path) -> None:
    """They mix filters, intervals, pauses, stalls and resumes; devices fall into fault and come out of it."""
    capture = capture_with_rare_keys(seed=2, until_s=240, devices=400)
    silence = {"GATEWAY_SILENT_AFTER_INTERVALS": "0.4"}  # of the 10 s that this box tells
    plan = Plan(
        capture, speed=7, clients=CLIENTS, seed=2, faults=FAULTS, pause_s=(0.3, 2.5), environ=CONFLATING | silence
    )
    report = await judged(tmp_path, plan)
    assert report.keys > 2000
