"""What energy costs by the hour and by its source."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from gateway.simulator.installations import HOME, TARIFF_HOME
from gateway.simulator.plant.local_time import LocalTime
from gateway.simulator.prices import Prices

BERLIN = ZoneInfo("Europe/Berlin")


def price(text: str, tariff: tuple[tuple[int, float], ...]) -> float:
    installation = msgspec.structs.replace(HOME, tariff=tariff)
    time_s = datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()
    return Prices(installation, LocalTime("Europe/Berlin")).grid(time_s)


def test_without_a_tariff_it_is_one_price() -> None:
    assert price("2026-06-10 03:00", ()) == HOME.price_eur_per_wh


@pytest.mark.parametrize(
    ("text", "eur_per_wh"),
    [
        ("2026-06-10 00:00", 0.000241),
        ("2026-06-10 00:59:59", 0.000241),
        ("2026-06-10 18:00", 0.000403),
        ("2026-10-25 18:30", 0.000403),
        ("2026-06-10 23:59", 0.000254),
    ],
)
def test_a_tariff_goes_by_the_wall_clock(text: str, eur_per_wh: float) -> None:
    assert price(text, TARIFF_HOME.tariff) == eur_per_wh


def test_before_the_first_slot_yesterdays_last_goes_on() -> None:
    assert price("2026-06-10 01:00", ((7_200, 0.1), (72_000, 0.2))) == 0.2


def test_the_battery_lies_between_sun_and_grid() -> None:
    prices = Prices(HOME, LocalTime("Europe/Berlin"))
    assert prices.sun == HOME.feed_in_eur_per_wh < prices.battery < HOME.price_eur_per_wh
