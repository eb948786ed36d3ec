"""The oracle has teeth: short runs of the kind in ``test_first_light.py`` against builds broken on purpose go red."""

import asyncio
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.broken_builds import BREAKS, words
from tests.support.oracle import Report
from tests.support.scenario import FaultAction, Plan, Scenario
from tests.support.scenario_faults import (
    box_switched_off,
    bridge_killed,
    broker_killed,
    redis_killed,
    redis_tail_cut,
    web_killed,
)
from tests.support.sources import played
from tests.support.streams import capture_with_rare_keys

# the judge and its clients are none of what is measured, and slow when traced
pytestmark = [pytest.mark.long, pytest.mark.no_cover]

Faults: TypeAlias = tuple[tuple[float, FaultAction], ...]

NO_FAULTS: Faults = ()
CUT_UNNOTICED = redis_tail_cut(60_000, noticed_within_s=0.2)
AT_A_TIME = 4

# what is broken, where it runs, what is done to the parts, and what the oracle must say, at least
CASES: tuple[tuple[str, str, Faults, set[str]], ...] = (
    ("since-off-by-one", "web", NO_FAULTS, {"mixed", "final"}),
    ("late-registration", "web", NO_FAULTS, {"gap"}),
    ("ceased-keys-kept", "web", NO_FAULTS, {"mixed", "final"}),
    ("resume-without-catching-up", "web", NO_FAULTS, {"gap"}),
    ("removals-forgotten", "web", ((0.7, web_killed),), {"mixed", "final"}),
    ("follower-without-hole-check", "web", ((0.5, redis_tail_cut(60_000)),), {"final"}),
    ("store-without-seq-check", "bridge", ((0.4, CUT_UNNOTICED), (0.6, web_killed)), {"final"}),
    ("lost-batches", "bridge", ((0.5, redis_killed),), {"final"}),
    ("subscribes-once", "bridge", ((0.5, broker_killed),), {"final"}),
    ("one-change-per-window", "bridge", NO_FAULTS, {"mixed", "final"}),
    ("faults-ignored", "bridge", NO_FAULTS, {"stale"}),
    ("sums-without-their-parts", "bridge", NO_FAULTS, {"stale"}),
    ("flags-never-lifted", "bridge", NO_FAULTS, {"stale"}),
    ("up-without-heartbeat", "bridge", ((0.5, box_switched_off),), {"dead"}),
    ("bridge-down-without-flags", "web", ((0.5, bridge_killed),), {"stale"}),
    ("bridge-down-untold", "web", ((0.5, bridge_killed),), {"dead"}),
)


def short(faults: Faults = NO_FAULTS, until_s: float = 50, /, **different: object) -> Plan:
    capture = capture_with_rare_keys(seed=3, until_s=until_s, devices=200)
    plan = Plan(played(capture, speed=12), clients=8, seed=3, faults=faults, pause_s=(0.1, 0.6), told_within_s=6)
    done = {fault for _, fault in faults}
    # a lease that ran out would heal everything, for its next holder opens a new epoch; but where the bridge is
    # killed, or the box is off, somebody must notice soon
    plan.environ = {
        "GATEWAY_LEASE_S": "2" if bridge_killed in done else "60",
        "GATEWAY_SILENT_AFTER_INTERVALS": "0.3" if box_switched_off in done else "3",
    }
    for name, given in different.items():
        setattr(plan, name, given)
    return plan


async def judged(folder: Path, plan: Plan) -> Report:
    report = await Scenario(folder, plan).run()
    print(folder.name, report)  # shown when the test fails, with -s always
    return report


async def test_a_short_run_with_every_fault_is_clean_when_nothing_is_broken(tmp_path: Path) -> None:
    faults = ((0.2, redis_killed), (0.4, redis_tail_cut(60_000)), (0.6, broker_killed), (0.7, web_killed))
    report = await judged(tmp_path, short(faults, 80))  # time for the link to come up behind the last
    assert report.clean, str(report)
    assert report.tally.resumed > 0


async def test_broken_builds_are_found_out(tmp_path: Path) -> None:
    """Some at a time, for they mostly wait."""
    turn = asyncio.Semaphore(AT_A_TIME)

    async def found_out(name: str, process: str, faults: Faults, kinds: set[str]) -> str | None:
        async with turn:
            plan = short(faults, **{process: words(name, process)}, known_within_s=3)
            report = await judged(tmp_path / name, plan)
            return None if kinds <= report.kinds else f"{name} should be found out as {kinds}: {report}"

    async with asyncio.TaskGroup() as group:
        told = [group.create_task(found_out(*case), name=case[0]) for case in CASES]
    missed = [one.result() for one in told if one.result() is not None]
    assert not missed, "\n".join(map(str, missed))


def test_every_broken_build_is_tried() -> None:
    assert {case[0] for case in CASES} == set(BREAKS)
