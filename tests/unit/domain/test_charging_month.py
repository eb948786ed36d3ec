"""A month of the simulated box with two charge points: nothing is lost, nothing is counted twice."""

from collections import Counter
from decimal import Decimal

import pytest

from gateway.domain.charge_sessions import ChargeSession, exact
from gateway.domain.charging import ChargingWatch, Ended
from gateway.domain.values import Changes
from gateway.simulator.plant import plant
from tests.support.charge_month import Month, month_steps

RESTARTED_EVERY = 997
"""Steps between two restarts: at another place of a loop, a day and a charge session each time."""
COARSE_S = 60.0
"""Weather and powers change once a minute: much faster, and the meters add up all the same."""


class Told(list[ChargeSession]):
    month: Month


@pytest.fixture(scope="module")
def told() -> Told:
    """All charge sessions of the month, those that are still open last."""
    found, watch = Told(), ChargingWatch("home")
    found.month = Month()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plant, "SUBSTEP_S", COARSE_S)
        for steps, changes in enumerate(month_steps(found.month)):
            watch = _restarted(watch) if steps % RESTARTED_EVERY == 0 else watch
            found += [one.session for one in _feed(watch, changes, first=steps == 0) if isinstance(one, Ended)]
    found += watch.open_sessions()
    return found


def _restarted(watch: ChargingWatch) -> ChargingWatch:
    return ChargingWatch.load("home", watch.dump())


def _feed(watch: ChargingWatch, changes: Changes, *, first: bool) -> tuple[object, ...]:
    if first:
        return watch.reset({key: reading for key, reading in changes.items() if reading is not None})
    return watch.feed(changes)


@pytest.mark.parametrize("chargepoint_id", ["5", "6"])
def test_the_sessions_add_up_to_what_the_meter_counted_to_the_wh(told: Told, chargepoint_id: str) -> None:
    month = told.month
    counted_wh = exact(month.last_wh[chargepoint_id]) - exact(month.first_wh[chargepoint_id])
    charged_wh = sum(one.energy_wh or Decimal(0) for one in told if one.chargepoint_id == chargepoint_id)
    assert counted_wh > 50_000
    assert charged_wh == counted_wh


def test_each_time_a_car_left_is_one_session(told: Told) -> None:
    ended = Counter(one.chargepoint_id for one in told if one.unplugged_at is not None)
    assert ended == told.month.unplugs
    assert len({one.key for one in told}) == len(told)


def test_segments_and_sources_add_up_to_each_session(told: Told) -> None:
    for one in told:
        assert sum(segment.energy_wh or Decimal(0) for segment in one.segments) == one.energy_wh
        by_source = one.energy_by_source
        if by_source is not None:
            assert by_source.grid_wh + by_source.pv_wh + by_source.battery_wh == one.energy_wh


def test_only_what_was_plugged_in_before_the_month_is_not_known_whole(told: Told) -> None:
    assert [one.completeness for one in told if one.completeness] == [("gap",), ("gap",)]
