import msgspec
import pytest

from gateway.simulator.openwb19.settings import Settings, settings_for, wish_of
from gateway.simulator.words import ChargePointSetup, Limit, LimitKind, Mode, Plan, Wish
from tests.support.simulated19 import HOUSE

PLACE = ChargePointSetup(id=5, name="Carport", serial_number="1")
TARIFF_HOUSE = msgspec.structs.replace(HOUSE, tariff=((0, 0.0002), (43_200, 0.0004)))


def asked(
    number: int = 1, *, mode: int = 0, tariff: bool = False, setup: ChargePointSetup = PLACE, **texts: str
) -> Wish:
    """``texts``: of settings, with ``__`` for a slash, after ``config/get/``."""
    settings = Settings(mode=mode)
    settings.texts.update({f"config/get/{topic.replace('__', '/')}": text for topic, text in texts.items()})
    return wish_of(settings, number, setup, tariff=tariff)


@pytest.mark.parametrize(("number", "mode"), [(0, "instant"), (1, "min_pv"), (2, "pv"), (3, "stop"), (4, "standby")])
def test_the_mode_of_the_box_is_the_mode_of_every_charge_point(number: int, mode: Mode) -> None:
    assert [asked(place, mode=number).mode for place in (1, 8)] == [mode, mode]


def test_without_sun_only_min_pv_charges_and_with_the_current_of_the_box() -> None:
    assert asked(mode=1, pv__minCurrentMinPv="8").min_current_a == 8.0
    assert asked(mode=2, pv__minCurrentMinPv="8").min_current_a == 0.0


def test_each_charge_point_has_an_instant_current_of_its_own() -> None:
    assert asked(3, sofort__lp__3__current="13").instant_current_a == 13.0
    assert asked(4, sofort__lp__3__current="13").instant_current_a == 10.0


@pytest.mark.parametrize(("text", "kind"), [("0", "none"), ("1", "energy"), ("2", "soc")])
def test_the_instant_limit(text: str, kind: LimitKind) -> None:
    limit = asked(2, sofort__lp__2__chargeLimitation=text).instant_limit
    assert limit == Limit(kind=kind, soc_percent=80, energy_wh=8000.0)


def test_a_charge_point_that_never_had_a_limit_has_none() -> None:
    assert asked(8).instant_limit.kind == "none"


def test_the_limit_of_pv_is_a_state_of_charge_that_is_switched_on() -> None:
    assert asked(1, pv__lp__1__maxSoc="70").pv_limit == Limit()
    limited = asked(1, pv__lp__1__maxSoc="70", pv__lp__1__socLimitation="1")
    assert limited.pv_limit == Limit(kind="soc", soc_percent=70)


def test_a_price_limit_counts_with_a_tariff_for_who_follows_it() -> None:
    followed = asked(1, tariff=True, sofort__lp__1__etBasedCharging="1", sofort__lp__1__current="13")
    assert (followed.mode, followed.eco_current_a) == ("eco", 13.0)
    assert asked(1, tariff=True).mode == "instant"
    assert asked(1, tariff=False, sofort__lp__1__etBasedCharging="1").mode == "instant"
    assert asked(1, tariff=True, mode=2, sofort__lp__1__etBasedCharging="1").mode == "pv"


@pytest.mark.parametrize(
    ("mode", "phases"), [(0, 1), (1, 0), (2, 3), (3, 3), (4, 1)], ids=["instant", "min_pv", "pv", "stop", "standby"]
)
def test_a_box_that_can_switch_phases_does_so_by_its_mode(mode: int, phases: int) -> None:
    for configured, expected in (("1", phases), ("0", 3)):
        wish = asked(
            mode=mode,
            u1p3p__isConfigured=configured,
            u1p3p__sofortPhases="1",
            u1p3p__minundpvPhases="4",
            u1p3p__nurpvPhases="3",
            u1p3p__standbyPhases="1",
        )
        assert wish.phases == expected


def test_one_phase_stays_one_phase() -> None:
    single = msgspec.structs.replace(PLACE, phases=1)
    assert asked(setup=single, u1p3p__isConfigured="1", u1p3p__sofortPhases="3").phases == 1


def test_the_settings_for_wishes_ask_for_them_again() -> None:
    wishes = [
        Wish(mode="instant", instant_current_a=12.0, instant_limit=Limit(kind="energy", energy_wh=5000.0)),
        Wish(mode="instant", instant_current_a=8.0, instant_limit=Limit(kind="soc", soc_percent=65)),
        Wish(mode="instant", instant_limit=Limit(kind="soc")),
    ]
    settings = settings_for(HOUSE, wishes, "ev_mode")
    again = [wish_of(settings, number, PLACE, tariff=False) for number in (1, 2, 3)]
    assert [wish.instant_current_a for wish in again] == [12.0, 8.0, 10.0]
    assert [wish.instant_limit.kind for wish in again] == ["energy", "soc", "none"]  # no state of charge at 3
    assert (again[0].instant_limit.energy_wh, again[1].instant_limit.soc_percent) == (5000.0, 65)
    flags = [settings.texts[f"lp/{number}/boolDirectModeChargekWh"] for number in (1, 2)]
    assert (flags, settings.texts["lp/2/boolDirectChargeModeSoc"]) == (["1", "0"], "1")


def test_the_first_charge_point_decides_on_the_mode_and_what_1_9_does_not_know_is_the_nearest() -> None:
    assert settings_for(HOUSE, [Wish(mode="pv"), Wish(mode="stop")], "ev_mode").mode == 2
    planned = Wish(mode="scheduled", plans=(Plan(ready_at="07:00", limit=Limit()),))
    assert settings_for(HOUSE, [planned], "ev_mode").mode == 2
    assert settings_for(HOUSE, [], "ev_mode").mode == 0


def test_eco_is_instant_that_follows_the_price() -> None:
    eco = Wish(
        mode="eco",
        eco_current_a=14.0,
        price_limit_eur_per_wh=0.00022,
        eco_limit=Limit(kind="energy", energy_wh=6000.0),
    )
    settings = settings_for(TARIFF_HOUSE, [eco, Wish()], "ev_mode")
    assert settings.texts["config/get/sofort/lp/1/etBasedCharging"] == "1"
    again = wish_of(settings, 1, PLACE, tariff=True)
    assert (again.mode, again.price_limit_eur_per_wh, again.eco_limit.energy_wh) == ("eco", 0.00022, 6000.0)
    assert again.eco_current_a == 14.0


def test_the_limit_of_pv_and_who_comes_first_are_settings_too() -> None:
    wish = Wish(mode="pv", pv_limit=Limit(kind="soc", soc_percent=75))
    settings = settings_for(HOUSE, [wish, wish, wish], "bat_mode")
    assert wish_of(settings, 2, PLACE, tariff=False).pv_limit.soc_percent == 75
    assert wish_of(settings, 3, PLACE, tariff=False).pv_limit.kind == "none"
    assert settings.texts["config/get/pv/priorityModeEVBattery"] == "0"
    assert settings_for(HOUSE, [wish], "ev_mode").texts["config/get/pv/priorityModeEVBattery"] == "1"
    assert settings.texts["system/priceForKWh"] == "0.3"
