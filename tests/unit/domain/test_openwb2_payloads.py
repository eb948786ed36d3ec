from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.domain.catalogue import entry_for
from gateway.domain.errors import Unreadable
from gateway.domain.openwb2_payloads import (
    ConnectedConfig,
    Hierarchy,
    SocModule,
    VehicleSoc,
    battery_mode,
    chargepoint_config,
    connected_config,
    control_interval_s,
    declared,
    decoded,
    energy_since_plugged,
    fault_text,
    hierarchy,
    json_value,
    message,
    negative,
    per_kwh,
    reader_for,
    record,
    soc_module,
    text,
    vehicle_info,
    vehicle_soc,
    word,
)
from gateway.domain.values import JsonValue


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"11", 11),
        (b' "a" ', "a"),
        (b"NaN", None),
        (b"[Infinity, -Infinity, 1.5]", [None, None, 1.5]),
        (b"1e999", None),
        (b'{"a": NaN}', {"a": None}),
        (b'"\\ud800"', "\ud800"),
        (b"9" * 40, int("9" * 40)),
    ],
)
def test_json_as_python_writes_it(payload: bytes, value: Any) -> None:
    assert json_value(payload) == value


@pytest.mark.parametrize("payload", [b"", b"-", b"{'a': 1}", b"\xff", b"[" * 100_000, b"1 2", b"9" * 5000])
def test_what_is_not_json(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        decoded(payload)


def test_a_string_is_decoded_once_more_but_not_twice() -> None:
    assert decoded(b'"[1, NaN]"') == [1, None]
    assert decoded(b'"null"') is None
    for payload in (b'"\\"1\\""', b'"text"', b'"\\ud800"'):
        with pytest.raises(Unreadable):
            decoded(payload)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'"Hof"', "Hof"),
        (b"Hof", "Hof"),
        (b"null", None),
        (b"007", "007"),
        (b"1.50", "1.50"),
        (b"true", "true"),
        (b"\xffx", "\ufffdx"),
        (b'"\\"Hof\\""', '"Hof"'),
    ],
)
def test_text(payload: bytes, value: str | None) -> None:
    assert text(payload) == value


def test_a_list_is_no_text() -> None:
    for payload in (b"[]", b"{}"):
        with pytest.raises(Unreadable):
            text(payload)


def test_a_word_may_be_quoted_twice() -> None:
    assert word(b'"\\"ev_mode\\""') == word(b'"ev_mode"') == word(b"ev_mode") == "ev_mode"
    assert word(b"null") is None


def test_how_a_kind_is_decoded() -> None:
    assert reader_for(declared("grid/power_w")) is decoded
    assert reader_for(declared("chargepoints/0/name")) is text
    assert reader_for(declared("battery/mode")) is word


def test_only_declared_keys_are_asked_for() -> None:
    assert declared("grid/power_w") == entry_for("grid/power_w")
    with pytest.raises(AssertionError):
        declared("grid/nothing")


def test_a_record_of_null_knows_nothing() -> None:
    assert record(b"null", ConnectedConfig) == ConnectedConfig()


@pytest.mark.parametrize("payload", [b"[]", b"5", b'{"charge_template": {"secret": 1}}', b'{"chargemode": 5}'])
def test_a_record_of_another_shape_is_unreadable_and_its_content_is_not_told(payload: bytes) -> None:
    with pytest.raises(Unreadable) as unreadable:
        connected_config(payload)
    assert "secret" not in str(unreadable.value)


def test_a_number_beyond_all_numbers_is_unreadable() -> None:
    for written in (b"9" * 5000, b'"' + b"9" * 5000 + b'"', b"1e400.5"):
        with pytest.raises(Unreadable):
            connected_config(b'{"charge_template": ' + written + b"}")


def test_the_selected_mode() -> None:
    assert connected_config(b'{"chargemode": "pv_charging"}').mode == "pv"
    assert connected_config(b'{"chargemode": "standby"}').mode == "standby"
    assert connected_config(b'{"chargemode": "of the future"}').mode is None
    assert connected_config(b"{}").mode is None


@pytest.mark.parametrize(
    ("payload", "vehicle"),
    [
        (b'{"name": "Hof", "ev": 3}', 3),
        (b'{"name": "Hof", "_ev": 3}', 3),
        (b'{"name": "Hof", "_ev": 1, "ev": 3}', 3),
        (b'{"name": "Hof", "_ev": -1}', None),
        (b'{"name": "Hof"}', None),
    ],
)
def test_the_vehicle_in_the_settings_of_a_charge_point(payload: bytes, vehicle: int | None) -> None:
    config = chargepoint_config(payload)
    assert (config.name, config.vehicle_id) == ("Hof", vehicle)


def test_the_vehicle_at_a_charge_point() -> None:
    assert vehicle_info(b'{"id": 3, "name": "e-Up"}').id == 3
    assert vehicle_info(b"null").id is None
    for payload in (b'{"id": 12345678901}', b'{"id": 1.5}', b'{"id": []}'):
        with pytest.raises(Unreadable):
            vehicle_info(payload)


def test_the_state_of_charge_at_a_charge_point() -> None:
    assert vehicle_soc(b'{"soc": 46.64, "range": 72.25, "timestamp": 1795330640}') == VehicleSoc(
        46.6, 72.2, 1795330640.0
    )
    assert vehicle_soc(b'{"soc": NaN}') == VehicleSoc(None, None, None)
    with pytest.raises(Unreadable):
        vehicle_soc(b'{"soc": 101}')


def test_a_soc_module_shows_type_and_name() -> None:
    shown: JsonValue = {"type": "tesla", "name": "Tesla"}
    assert soc_module(b'{"type": "tesla", "name": "Tesla", "configuration": {"token": "x"}}') == SocModule(
        True, shown
    )
    assert soc_module(b'{"type": null, "configuration": {}}') == SocModule(False, {"type": None, "name": None})


@pytest.mark.parametrize(
    ("payload", "grid"),
    [
        (b'[{"id": 7, "type": "counter", "children": []}, {"id": 1, "type": "counter"}]', "7"),
        (b'[{"id": 1, "type": "inverter", "children": []}]', None),
        (b"[]", None),
        (b"null", None),
    ],
)
def test_the_grid_is_the_first_element_of_the_hierarchy(payload: bytes, grid: str | None) -> None:
    assert hierarchy(payload) == Hierarchy(grid)


@pytest.mark.parametrize("payload", [b"{}", b"5", b'["x"]', b'[{"id": 7}]', b'[{"id": "7", "type": "counter"}]'])
def test_a_hierarchy_that_is_none(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        hierarchy(payload)


def test_conversions_leave_alone_what_they_do_not_know() -> None:
    assert negative("x") == per_kwh("x") == message("x") == "x"
    assert negative(None) is per_kwh(None) is energy_since_plugged(None) is None
    assert negative(True) is per_kwh(True) is True
    assert per_kwh({"900": 0.0003, "1800": None}) == {"900": 0.3, "1800": None}
    with pytest.raises(Unreadable):
        energy_since_plugged(5)


def test_conversions() -> None:
    assert negative(-5) == 5
    assert per_kwh(0.00032) == pytest.approx(0.32)
    assert energy_since_plugged({"imported_since_plugged": 5.5, "ev": 1}) == 5.5
    assert message({"type": "info", "message": "Hallo", "timestamp": 1}) == {"type": "info", "text": "Hallo"}
    assert message({"type": ["info"]}) == {"type": None, "text": None}
    assert fault_text("Kein Fehler.") == ""
    assert fault_text("Kein Netz.") == "Kein Netz."
    assert battery_mode("min_soc_bat_mode") == "battery_first_to_min_soc"
    assert battery_mode("moon_mode") is None
    assert battery_mode(5) == 5


def test_the_control_interval() -> None:
    assert control_interval_s(b"10") == 10
    assert control_interval_s(b"null") is None
    for payload in (b"0", b"601", b"[]"):
        with pytest.raises(Unreadable):
            control_interval_s(payload)


class Half(msgspec.Struct):
    soc: float | None = None


@pytest.mark.parametrize("read", [lambda payload: record(payload, Half), hierarchy])
@pytest.mark.parametrize(
    "payload", [b'{"soc": "\\ud800"}', b'["\\ud800"]', b'[{"id": "\\ud800", "type": "counter"}]']
)
def test_half_a_character_is_unreadable_and_ends_nothing(read: Callable[[bytes], object], payload: bytes) -> None:
    """JSON can say half a character (a lone surrogate), which no encoder takes."""
    with pytest.raises(Unreadable):
        read(payload)
