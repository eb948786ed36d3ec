"""A real stream through real parts to fifty clients, with and without faults: the oracle finds nothing.

That it would find something is shown in ``test_teeth.py``, where the same runs go red against broken builds.
"""

from pathlib import Path

from tests.support.oracle import Report
from tests.support.scenario import Plan, Scenario, broker_killed, redis_killed, redis_tail_cut, web_killed
from tests.support.streams import capture_with_rare_keys

CLIENTS = 50


async def judged(folder: Path, plan: Plan) -> Report:
    scenario = Scenario(folder, plan)
    report = await scenario.run()
    print(report)  # shown when the test fails, with -s always
    assert report.clean, f"{report}\n{scenario.story()}"
    return report


def meant_something(report: Report) -> None:
    """Everybody was judged to the end, and there was much to judge."""
    assert report.unreadable == 0
    assert report.keys > 2500
    assert report.tally.final >= CLIENTS + 2
    assert report.tally.resumed > CLIENTS
    assert report.tally.strict > 5 * report.tally.loose
    assert report.tally.agreed > 1000
    assert all(tally.strict > 10 for name, tally in report.per_client.items() if name != "latecomer")


async def test_the_whole_capture_reaches_fifty_clients_right(tmp_path: Path) -> None:
    """Red against the broken builds ``since-off-by-one``, ``late-registration`` and ``ceased-keys-kept``."""
    plan = Plan(capture_with_rare_keys(seed=1), speed=20, clients=CLIENTS, seed=1)
    meant_something(await judged(tmp_path, plan))


async def test_it_stays_right_while_redis_web_and_broker_are_killed(tmp_path: Path) -> None:
    """Redis three times, once with the end of its file cut off, web twice, the broker twice.

    Red against the broken builds ``lost-batches`` (Redis), ``store-without-seq-check`` and
    ``follower-without-hole-check`` (cut file), ``removals-forgotten`` (web) and ``subscribes-once`` (broker).
    """
    faults = (
        (0.08, redis_killed),
        (0.2, broker_killed),
        (0.32, web_killed),
        (0.44, redis_tail_cut(60_000)),
        (0.58, broker_killed),
        (0.7, redis_killed),
        (0.82, web_killed),
    )
    plan = Plan(capture_with_rare_keys(seed=2), speed=16, clients=CLIENTS, seed=2, faults=faults)
    report = await judged(tmp_path, plan)
    meant_something(report)
    assert report.tally.resets > 0
