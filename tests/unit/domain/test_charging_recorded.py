"""The recorded boxes replayed whole: the charge sessions are those that were worked out by hand.

The expectation is in ``tests/support/charge_expected.py``.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from gateway.domain.charge_sessions import ChargeSession
from gateway.domain.charging import ChargingWatch, Ended
from gateway.domain.values import Changes, Reading
from tests.support.charge_expected import RECORDED, by_hand, shown
from tests.support.charge_replay import v2_steps


def whole(changes: Changes) -> dict[str, Reading]:
    return {key: reading for key, reading in changes.items() if reading is not None}


def sessions_of(
    steps: Iterator[Changes], *, restart_every: int = 0, lost_at: int = -1
) -> tuple[list[ChargeSession], ChargingWatch]:
    """What ended, and the watch at the end; at step ``lost_at`` the position is lost."""
    watch, known, ended = ChargingWatch("home"), dict[str, Reading](), list[ChargeSession]()
    for place, changes in enumerate(steps):
        known |= whole(changes)
        for key in changes.keys() - whole(changes).keys():
            known.pop(key, None)
        if restart_every and place % restart_every == 0:
            watch = ChargingWatch.load("home", watch.dump())
        happened = watch.reset(known) if place in (0, lost_at) else watch.feed(changes)
        ended += [one.session for one in happened if isinstance(one, Ended)]
    return ended, watch


@pytest.mark.parametrize(("name", "steps", "began_at"), RECORDED)
def test_the_recorded_sessions_are_those_worked_out_by_hand(
    name: str, steps: Callable[[], Iterator[Changes]], began_at: float
) -> None:
    sessions, watch = sessions_of(steps())
    right = by_hand(name)
    assert [shown(one, began_at, fields) for one, fields in zip(sessions, right, strict=True)] == right
    assert watch.open_sessions() == ()


@pytest.mark.parametrize(("name", "steps", "began_at"), RECORDED)
def test_restarts_change_nothing(name: str, steps: Callable[[], Iterator[Changes]], began_at: float) -> None:
    assert sessions_of(steps(), restart_every=7)[0] == sessions_of(steps())[0]


@pytest.mark.parametrize(("name", "steps", "began_at"), RECORDED)
def test_each_wh_has_a_source_by_estimate(name: str, steps: Callable[[], Iterator[Changes]], began_at: float) -> None:
    for one in sessions_of(steps())[0]:
        assert one.source_how == "estimated"
        assert one.energy_by_source is not None
        told = one.energy_by_source
        assert told.grid_wh + told.pv_wh + told.battery_wh == one.energy_wh
        assert min(told.grid_wh, told.pv_wh, told.battery_wh) >= 0


@pytest.mark.parametrize("lost_at", [300, 700, 1000, 1500])
def test_a_lost_position_costs_no_energy_and_is_told(lost_at: int) -> None:
    sessions, _ = sessions_of(v2_steps(), lost_at=lost_at)
    assert [one.energy_wh for one in sessions] == [Decimal("1038.19"), Decimal("753.68")]
    assert [one.unplugged_at for one in sessions] == [one.unplugged_at for one in sessions_of(v2_steps())[0]]
    assert any("gap" in one.completeness for one in sessions)
