"""What ``watch`` shows, fed and compared."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from gateway.cli.watch import chosen
from gateway.cli.watch_outputs import Lines, picture
from gateway.cli.watch_view import (
    Known,
    Row,
    connection,
    devices,
    label_of,
    link,
    value_text,
)
from gateway.client import SiteName, Status
from gateway.domain.errors import InvalidArgument, NotFound
from gateway.domain.values import JsonValue, Reading

NOW = 1_800_000_000.0
CONNECTED = Status(phase="connected")
UP = {"link/state": Reading("up", NOW), "link/reason": Reading(None), "link/since": Reading(NOW - 60)}


def known(readings: dict[str, Reading] | None = None, **more: Any) -> Known:
    fields: dict[str, Any] = {"status": CONNECTED, "vouched": True, "now": 100.0, "server_now": NOW} | more
    return Known(url="http://box:8080", site="Home", readings=readings or {}, **fields)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("grid/power_w", -1234.4, "-1234 W"),
        ("grid/power_w", -0.2, "0 W"),
        ("grid/power_w", -12_345, "-12.35 kW"),
        ("grid/power_w", None, "unknown"),
        ("link/reason", None, "none"),
        ("link/dialect", None, "unknown"),
        ("grid/imported_wh", 6803.4, "6.80 kWh"),
        ("grid/voltages_v", [230.14, None, 0], "230.1 V  -  0.0 V"),
        ("grid/frequency_hz", 49.98, "49.98 Hz"),
        ("chargepoints/5/currents_a", [15.88, 0, 0], "15.9 A  0.0 A  0.0 A"),
        ("chargepoints/5/plugged", True, "yes"),
        ("chargepoints/5/plugged", False, "no"),
        ("chargepoints/5/phases_in_use", 3, "3"),
        ("chargepoints/5/mode", "pv", "pv"),
        (
            "chargepoints/5/limit",
            {"kind": "soc", "soc_percent": 80, "energy_wh": None},
            "kind soc, soc percent 80",
        ),
        ("vehicles/1/range_km", 200.4, "200 km"),
        ("vehicles/1/soc_percent", 42, "42 %"),
        ("tariff/price_eur_per_kwh", 0.31824, "31.82 ct/kWh"),
        ("tariff/prices", [[1, 0.2], [2, 0.3]], "2 prices"),
        ("box/time", 1e300, "unknown"),
        ("box/version", "2.2\x1b[2J\n1", "2.2 [2J 1"),
        ("a/later/key", 7, "7"),
    ],
)
def test_values_have_units(key: str, value: JsonValue, text: str) -> None:
    assert value_text(key, value) == text


def test_times_are_those_of_this_place() -> None:
    assert len(value_text("box/time", NOW)) == len("2027-01-15 08:00:00")


def test_devices_have_the_boxs_names_and_stand_in_order() -> None:
    readings = {
        "raw/openWB/x": Reading("1"),
        "vehicles/1/soc_percent": Reading(42),
        "chargepoints/10/power_w": Reading(1),
        "chargepoints/9/plugged": Reading(True),
        "chargepoints/9/power_w": Reading(1),
        "chargepoints/9/name": Reading("Hof\x07 [bold]"),
        "chargepoints/10/name": Reading(""),
        "batteries/2/soc_percent": Reading(50),
        "grid/power_w": Reading(1),
        "later/thing": Reading(1),
        **UP,
    }
    found = devices(known(readings))
    assert [device.title for device in found] == [
        "Grid",
        "Battery 2",
        "Hof [bold] (charge point 9)",
        "Charge point 10",
        "Vehicle 1",
        "Topics of the openWB",
        "later",
    ]
    assert [row.label for row in found[2].rows] == ["Power", "A vehicle is plugged in"]
    assert label_of("raw/openWB/x") == "raw/openWB/x"


def test_what_is_empty_has_no_row() -> None:
    (device,) = devices(known({"chargepoints/5/fault_text": Reading(""), "grid/power_w": Reading(1)}))
    assert device.title == "Grid"


@pytest.mark.parametrize(
    ("reading", "vouched", "row"),
    [
        (Reading(5, NOW - 3), True, Row("Power", "5 W", "3 s", "")),
        (Reading(5, NOW - 200), True, Row("Power", "5 W", "3 min", "")),
        (Reading(5, NOW - 7300, stale=True), True, Row("Power", "5 W", "2 h", "stale")),
        (Reading(5, NOW - 90_000), False, Row("Power", "5 W", "1 d", "last known")),
        (Reading(5, NOW + 9), True, Row("Power", "5 W", "0 s", "")),
        (Reading(None, None), True, Row("Power", "unknown", "", "")),
    ],
)
def test_a_value_that_is_not_live_has_a_word(reading: Reading, vouched: bool, row: Row) -> None:
    assert devices(known({"grid/power_w": reading}, vouched=vouched))[0].rows == (row,)


def test_without_the_gateways_clock_there_are_no_ages() -> None:
    assert devices(known({"grid/power_w": Reading(5, NOW)}, server_now=None))[0].rows[0].age == ""


@pytest.mark.parametrize(
    ("status", "more", "good", "words"),
    [
        (Status(phase="connecting"), {}, False, "connecting to http://box:8080"),
        (CONNECTED, {}, True, "connected"),
        (CONNECTED, {"vouched": False}, False, "connected, waiting for values"),
        (CONNECTED, {"vouched": False, "doubt": "no store"}, False, "no store"),
        (Status(phase="waiting", reason="gone", retry_at=104.4), {}, False, "reconnecting in 4 s: gone"),
        (Status(phase="waiting", retry_at=90.0), {}, False, "reconnecting in 0 s"),
        (Status(phase="ended", reason="4005"), {}, False, "ended: 4005"),
    ],
)
def test_the_connection_in_words(status: Status, more: dict[str, Any], good: bool, words: str) -> None:
    said = connection(known(status=status, **more))
    assert (said.good, said.words) == (good, words)


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("connecting", None, "the gateway is connecting to it"),
        ("silent", None, "silent, it sends no sign of life"),
        ("down", "unreachable", "not connected: it cannot be reached"),
        ("down", "bad_credentials", "not connected: it refuses the user name or password"),
        ("no_rights", "no_rights:x", "it does not let the gateway read its values: grant its user x"),
        (
            "secondary",
            "connect_to_primary",
            "a secondary one, controlled by another openWB: connect the gateway to the primary one",
        ),
        ("bridge_down", None, "not read, the gateway's bridge is not running"),
        ("a_new_one", "new", "a_new_one: new"),
    ],
)
def test_the_link_in_words(state: str, reason: str | None, words: str) -> None:
    said = link(known({"link/state": Reading(state), "link/reason": Reading(reason)}))
    assert (said.good, said.words) == (False, words)


def test_an_up_link_is_good_only_while_somebody_vouches() -> None:
    up = link(known(UP))
    assert up.good
    assert up.words.startswith("connected, since 2027-01-15 ")
    apart = link(known(UP, vouched=False))
    assert not apart.good
    assert apart.words.endswith("(last known)")
    assert link(known()).words == "nothing is known of it yet"


def test_the_picture_is_not_higher_than_the_terminal() -> None:
    readings = {f"chargepoints/{number}/power_w": Reading(number, NOW) for number in range(30)}
    console = Console(width=70, height=20, record=True, file=io.StringIO())
    console.print(picture(known({**UP, **readings}), 20))
    lines = console.export_text().splitlines()
    assert len(lines) <= 20
    assert lines[-1].startswith("… 46 more lines")
    assert "Charge point 0" in lines[4]


def test_nor_wider_though_the_words_are() -> None:
    console = Console(width=30, height=20, record=True, file=io.StringIO())
    gone = Status(phase="waiting", reason="a long story " * 9, retry_at=104.0)
    readings = {"chargepoints/5/name": Reading("long " * 20), "chargepoints/5/power_w": Reading(1, NOW)}
    console.print(picture(known({**UP, **readings}, status=gone, vouched=False), 20))
    lines = console.export_text().splitlines()
    assert len(lines) == 6
    assert lines[1].endswith("…")


# --- lines --------------------------------------------------------------------------------------------------------


def lines_of(steps: list[Known], *, as_json: bool) -> list[str]:
    """What is written, without the times."""
    with open("/dev/null", "w") as device:  # noqa: PTH123 - a real file number is asked for

        class Out(io.StringIO):
            def fileno(self) -> int:
                return device.fileno()

        out = Out()
        lines = Lines(out, as_json=as_json)
        for step in steps:
            lines.show(step)
        lines.close()
    return out.getvalue().splitlines()


STEPS = [
    known(status=Status(phase="connecting"), vouched=False),
    known({"grid/power_w": Reading(1, NOW), "pv/power_w": Reading(None)}),
    known({"grid/power_w": Reading(1, NOW), "pv/power_w": Reading(None)}),
    known({"grid/power_w": Reading(1, NOW, stale=True)}),
    known(
        {"grid/power_w": Reading(2, NOW)}, status=Status(phase="waiting", reason="gone", retry_at=104), vouched=False
    ),
    known(
        {"grid/power_w": Reading(2, NOW)}, status=Status(phase="waiting", reason="gone", retry_at=103), vouched=False
    ),
    known({"grid/power_w": Reading(2, NOW)}),
]


def test_one_line_per_change() -> None:
    assert [line.partition(" ")[2] for line in lines_of(STEPS, as_json=False)] == [
        "not live: connecting to http://box:8080",
        "live",
        "grid/power_w 1 W",
        "pv/power_w unknown",
        "grid/power_w 1 W stale",
        "pv/power_w gone",
        "not live: reconnecting in 4 s: gone",
        "live",
        "grid/power_w 2 W",
    ]


def test_another_reason_is_another_line_and_a_countdown_is_none() -> None:
    steps = [
        known(status=status)
        for status in (
            Status(phase="connecting"),
            Status(phase="waiting", reason="refused", retry_at=104),
            Status(phase="waiting", reason="refused", retry_at=103),
            Status(phase="connecting"),
            Status(phase="waiting", reason="refused", retry_at=104),
            Status(phase="waiting", reason="no route", retry_at=104),
        )
    ]
    assert [line.partition(" ")[2] for line in lines_of(steps, as_json=False)] == [
        "not live: connecting to http://box:8080",
        "not live: reconnecting in 4 s: refused",
        "not live: reconnecting in 4 s: no route",
    ]


def test_one_object_per_change() -> None:
    told = [json.loads(line) for line in lines_of(STEPS, as_json=True)]
    assert all(isinstance(one.pop("at"), str) for one in told)
    assert told[:3] == [
        {"live": False, "reason": "connecting to http://box:8080"},
        {"live": True, "reason": None},
        {"key": "grid/power_w", "value": 1, "changed_at": NOW, "stale": False},
    ]
    assert told[5] == {"key": "pv/power_w", "gone": True}


FAULT = "chargepoints/5/fault_text"
FAULTS = [
    known({FAULT: reading})
    for reading in (
        Reading(""),
        Reading("", stale=True),
        Reading("No contact.", NOW),
        Reading("", NOW + 1),
        Reading("", NOW + 1, stale=True),
        Reading(None, NOW + 2),
        Reading("", NOW + 3),
    )
]


def test_an_empty_text_is_a_line_only_where_it_was_something_else_before() -> None:
    assert [line.partition(" ")[2] for line in lines_of(FAULTS, as_json=False)] == [
        "live",
        f"{FAULT} No contact.",
        f'{FAULT} ""',
        f"{FAULT} unknown",
        f'{FAULT} ""',
    ]


def test_for_programs_an_empty_text_is_a_value() -> None:
    told = [json.loads(line) for line in lines_of(FAULTS, as_json=True)[1:]]
    assert [one["value"] for one in told] == ["", "", "No contact.", "", "", None, ""]


# --- which site ---------------------------------------------------------------------------------------------------


def test_the_only_site_needs_no_name() -> None:
    home, work = SiteName("home", "Home"), SiteName("work")
    assert chosen((home,), "") == home
    assert chosen((home, work), "work") == work
    with pytest.raises(InvalidArgument, match="choose one with --site: home, work"):
        chosen((home, work), "")
    with pytest.raises(NotFound, match="no site 'x'; you may see: home"):
        chosen((home,), "x")
    with pytest.raises(NotFound, match="no site to see"):
        chosen((), "")
