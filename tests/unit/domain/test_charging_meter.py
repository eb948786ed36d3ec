from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.charging_meter import MeterCount

LOOP_S, CAR_W = 10.0, 11_000.0


def read(meter: MeterCount, *readings_wh: float) -> list[Decimal]:
    return [meter.read(reading_wh, LOOP_S, CAR_W) for reading_wh in readings_wh]


def test_energy_is_the_exact_difference_of_two_readings() -> None:
    meter = MeterCount()
    assert meter.energy_wh is None
    assert read(meter, 10839000.0, 10839010.19, 10839033.57) == [Decimal(0), Decimal("10.19"), Decimal("23.38")]
    assert (meter.start_wh, meter.end_wh) == (Decimal(10839000), Decimal("10839033.57"))
    assert meter.energy_wh == Decimal("33.57")
    assert not meter.jumped


def test_noise_is_no_jump() -> None:
    meter = MeterCount()
    read(meter, 1000.0, 1030.0, 1029.9, 1060.0)
    assert (meter.energy_wh, meter.jumped) == (Decimal(60), False)


def test_a_meter_that_was_exchanged_goes_on_from_its_own_reading() -> None:
    meter = MeterCount()
    read(meter, 5000.0, 5100.0, 12.0, 42.0, 72.5)
    assert (meter.start_wh, meter.end_wh, meter.energy_wh) == (Decimal(5000), Decimal("72.5"), Decimal("160.5"))
    assert meter.jumped


def test_up_by_more_than_can_have_flowed_is_a_jump_too() -> None:
    meter = MeterCount()
    assert read(meter, 5000.0, 5100.0, 905_100.0, 905_130.0)[-2:] == [Decimal(0), Decimal(30)]
    assert (meter.energy_wh, meter.jumped) == (Decimal(130), True)


def test_how_much_can_have_flowed_goes_by_time_and_power() -> None:
    meter = MeterCount()
    meter.read(0.0, 0.0, 0.0)
    meter.read(51_000.0, 3600.0, 11_000.0)
    assert not meter.jumped
    meter.read(351_000.0, 3600.0, 150_000.0)
    assert not meter.jumped
    meter.read(352_001.0, -5.0, 150_000.0)
    assert meter.jumped


def test_a_nonsense_reading_in_between_counts_as_if_it_had_not_been() -> None:
    meter = MeterCount()
    assert read(meter, 5000.0, 5100.0, 0.0, 5130.0) == [Decimal(0), Decimal(100), Decimal(0), Decimal(30)]
    assert (meter.start_wh, meter.end_wh, meter.energy_wh) == (Decimal(5000), Decimal(5130), Decimal(130))
    assert meter.jumped


def test_the_old_meter_is_forgotten_once_the_new_one_counts() -> None:
    meter = MeterCount()
    read(meter, 700.0, 800.0, 0.0, 500.0, 810.0)
    assert meter.energy_wh == Decimal(910)


def test_the_start_may_turn_out_to_be_lower() -> None:
    meter = MeterCount()
    assert meter.began_at(Decimal(10)) == Decimal(0)
    read(meter, 5000.0, 5100.0)
    assert meter.began_at(Decimal(5001)) == Decimal(0)
    assert meter.began_at(Decimal(-1)) == Decimal(0)
    assert meter.began_at(Decimal(4800)) == Decimal(200)
    assert (meter.start_wh, meter.energy_wh) == (Decimal(4800), Decimal(300))
    read(meter, 0.0)
    assert meter.began_at(Decimal(4000)) == Decimal(0)


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 30))
def test_what_is_added_is_what_is_counted(rises: list[int], swapped_after: int) -> None:
    meter, reading, counted = MeterCount(), 100_000, 0
    added = meter.read(float(reading), LOOP_S, CAR_W)
    for place, rise in enumerate(rises):
        if place == swapped_after:
            reading = 20
            added += meter.read(float(reading), LOOP_S, CAR_W)
        reading += rise
        counted += rise
        added += meter.read(float(reading), LOOP_S, CAR_W)
    assert meter.energy_wh == added == counted
    assert meter.jumped == (swapped_after < len(rises))
