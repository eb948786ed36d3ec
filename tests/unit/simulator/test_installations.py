"""The installations: ids that are unique where the box numbers them together, and prices of a whole day."""

import pytest

from gateway.simulator import installations
from gateway.simulator.installations import GUEST_HOME, HOME, SMALL, TARIFF_HOME
from gateway.simulator.words import Installation

ALL = [thing for thing in vars(installations).values() if isinstance(thing, Installation)]


@pytest.mark.parametrize("installation", ALL)
def test_ids_share_one_numbering_and_vehicles_have_their_own(installation: Installation) -> None:
    ids = [
        installation.counter_id,
        *(inverter.id for inverter in installation.inverters),
        *([] if installation.battery is None else [installation.battery.id]),
        *(chargepoint.id for chargepoint in installation.chargepoints),
    ]
    vehicles = [vehicle.id for vehicle in installation.vehicles]
    assert len(ids) == len(set(ids))
    assert len(vehicles) == len(set(vehicles))
    assert vehicles[0] == 0


def test_the_tariff_has_a_plausible_price_for_every_hour() -> None:
    assert [slot_s for slot_s, _ in TARIFF_HOME.tariff] == list(range(0, 86_400, 3_600))
    assert all(0.0002 < price < 0.00045 for _, price in TARIFF_HOME.tariff)


def test_others_differ_from_home_in_what_they_are_for() -> None:
    assert GUEST_HOME.vehicles[:3] == HOME.vehicles
    assert (SMALL.inverters, SMALL.battery, len(SMALL.chargepoints)) == ((), None, 1)
