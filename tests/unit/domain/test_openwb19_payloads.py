import pytest

from gateway.domain.errors import Unreadable
from gateway.domain.openwb2_payloads import declared
from gateway.domain.openwb19_payloads import (
    MODE_WORDS,
    decoder,
    eur_per_kwh,
    fault_text,
    flag,
    id_tag,
    inverted,
    known_text,
    member_of,
    negative,
    number,
    phase_of,
    prices,
    text,
    wh,
    word,
)
from gateway.domain.values import JsonValue


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"11", 11),
        (b" 8225\n", 8225),
        (b"-271", -271),
        (b"+5", 5),
        (b".64", 0.64),
        (b"-.5", -0.5),
        (b"9120287.1", 9120287.1),
        (b"7.", 7),
        (b"1.5e3", 1500),
        (b"0007", 7),
        (b"9" * 40, float("9" * 40)),
        (b" ", None),
        (b"null", None),
        (b"NaN", None),
        (b"-inf", None),
        (b"--", None),
    ],
)
def test_numbers_as_shell_scripts_write_them(payload: bytes, value: float | None) -> None:
    assert number(payload) == value


@pytest.mark.parametrize("payload", [b"1_0", b"1,5", b"31%", b"0x10", b"1 2", b"abc", b"\xff", b"9" * 41, b"1e9999"])
def test_what_is_no_number(payload: bytes) -> None:
    with pytest.raises(Unreadable) as unreadable:
        number(payload)
    assert payload.decode(errors="replace") not in str(unreadable.value)


def test_text_is_bare() -> None:
    assert text(b' "Hof" ') == '"Hof"'
    assert text(b"\xffx") == "\ufffdx"


def test_a_decoder_converts_and_fits() -> None:
    power = decoder(declared("pv/power_w"), negative)
    assert power(b"-8430") == 8430.0
    assert power(b"") is None
    assert decoder(declared("box/version"))(b"1.9.304") == "1.9.304"
    with pytest.raises(Unreadable):
        power(b"1e9")


def test_conversions() -> None:
    assert str(negative(0.0)) == "-0.0"
    assert str(decoder(declared("pv/power_w"), negative)(b"0")) == "0.0"
    assert decoder(declared("chargepoints/1/meter_wh"), wh)(b"8124.54") == 8124540.0
    assert decoder(declared("tariff/price_eur_per_kwh"), eur_per_kwh)(b"31.25") == 0.3125
    assert decoder(declared("tariff/price_eur_per_kwh"), eur_per_kwh)(b"-1.2") == -0.012


def test_a_thousand_cent_is_no_price() -> None:
    assert eur_per_kwh(1000.0) is None
    assert prices(b"awattar\n900, 1000.000000\n1800,25") == [[900, None], [1800, 0.25]]


def test_flags() -> None:
    assert [flag(payload) for payload in (b"1", b"0", b" ", b"1.0")] == [True, False, None, True]
    with pytest.raises(Unreadable):
        flag(b"2")


def test_enabled_is_not_locked() -> None:
    locked = decoder(declared("chargepoints/1/locked"), inverted)
    assert [locked(payload) for payload in (b"1", b"0", b"null")] == [False, True, None]
    with pytest.raises(Unreadable):
        locked(b"2")


def test_words() -> None:
    mode = word(MODE_WORDS)
    assert [mode(str(digit).encode()) for digit in range(5)] == ["instant", "min_pv", "pv", "stop", "standby"]
    assert mode(b"7") is mode(b"01") is mode(b"\xff") is None


@pytest.mark.parametrize("payload", [b"Kein Fehler", b"Kein Fehler.", b" Kein Fehler. ", b""])
def test_no_fault_is_no_text(payload: bytes) -> None:
    assert fault_text(payload) == ""


def test_a_fault_is_one() -> None:
    assert fault_text(b"Kein Fehler gefunden, aber <b>tot</b>") == "Kein Fehler gefunden, aber tot"


@pytest.mark.parametrize(
    ("payload", "tag"),
    [
        (b"0001180644,1714732240", "0001180644"),
        (b"04A1B2C3D4,1714732240.25", "04A1B2C3D4"),
        (b"1E5,1", "1E5"),
        (b"a,b,1", "a,b"),
        (b"0012", "0012"),
        (b"0,1714732240", None),
        (b"0", None),
        (b" ", None),
        (b",1714732240", None),
    ],
)
def test_a_tag_is_a_text(payload: bytes, tag: str | None) -> None:
    assert id_tag(payload) == tag


def test_texts_that_are_unknown_as_long_as_they_are_0() -> None:
    serial = known_text("chargepoints/1/serial_number")
    assert [serial(payload) for payload in (b"0", b" ", b"00", b"20160243")] == [None, None, "00", "20160243"]


def test_what_is_declared_of_a_part() -> None:
    assert phase_of(declared("grid/voltages_v")).maximum == 500
    assert member_of("chargepoints/1/limit", "energy_wh").unit == "Wh"


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"awattar_de\n1714730400,25.5\n1714734000, -1.000000", [[1714730400, 0.255], [1714734000, -0.01]]),
        (b"1714734000,3\n1714730400,null", [[1714730400, None], [1714734000, 0.03]]),
        (b"tibber", []),
        (b"\n", []),
    ],
)
def test_price_lists(payload: bytes, value: JsonValue) -> None:
    assert prices(payload) == value


@pytest.mark.parametrize("payload", [b"x,1", b"1,2,3", b"1,x", b"99999999999999,1", b"1,2,"])
def test_a_broken_price_list_is_unreadable_as_a_whole(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        prices(b"awattar\n900,1\n" + payload)
