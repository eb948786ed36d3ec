"""What the doctor makes of facts."""

import asyncio

import pytest

from gateway.run.findings import (
    Finding,
    Heard,
    bad_samples,
    box,
    grants,
    integrity,
    mariadb_version,
    partitioning,
    partitions,
    ready,
    reason_of,
    recorded,
    span,
    store_info,
    tables,
    version_of,
)


def grades(findings: list[Finding]) -> list[str]:
    return [finding.grade for finding in findings]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Valkey server v=9.1.2 sha=0", (9, 1)),
        ("Redis server v=7.0.15", (7, 0)),
        ("10.11.6-MariaDB-0+deb12u1", (10, 11)),
        ("no such thing", None),
    ],
)
def test_versions_in_texts(text: str, version: tuple[int, int] | None) -> None:
    assert version_of(text) == version


WELL: dict[str, object] = {"redis_version": "7.0.15", "maxmemory_policy": "noeviction", "aof_enabled": 1}


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (WELL, ["ok"]),
        ({**WELL, "valkey_version": "8.1.0"}, ["ok"]),
        ({**WELL, "redis_version": "6.2.7"}, ["problem"]),
        ({}, ["problem"]),
        ({**WELL, "maxmemory_policy": "allkeys-lru"}, ["ok", "problem"]),
        ({**WELL, "aof_enabled": 0}, ["ok", "note"]),
    ],
)
def test_a_store_is_new_enough_and_keeps_what_it_is_told(info: dict[str, object], expected: list[str]) -> None:
    assert grades(store_info("store", info)) == expected


@pytest.mark.parametrize(
    ("version", "grade"),
    [("10.6.12-MariaDB", "ok"), ("11.4.2-MariaDB", "ok"), ("10.5.9-MariaDB", "problem"), ("8.0.36", "note")],
)
def test_a_database_is_a_mariadb_that_is_new_enough(version: str, grade: str) -> None:
    assert mariadb_version("database", version).grade == grade


USAGE = "GRANT USAGE ON *.* TO `gateway`@`%` IDENTIFIED BY PASSWORD 'x'"


@pytest.mark.parametrize(
    ("lines", "grade", "words"),
    [
        ([USAGE, "GRANT ALL PRIVILEGES ON `gate\\_way`.* TO `gateway`@`%`"], "ok", "enough"),
        (
            [USAGE, "GRANT SELECT, INSERT ON `gate_way`.* TO `gateway`@`%`"],
            "problem",
            "may not UPDATE, DELETE, CREATE",
        ),
        ([USAGE, "GRANT ALL PRIVILEGES ON `other`.* TO `gateway`@`%`"], "problem", "may not SELECT"),
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], "note", "more than"),
        (["SET DEFAULT ROLE x"], "problem", "may not SELECT"),
    ],
)
def test_rights_are_enough_and_no_more(lines: list[str], grade: str, words: str) -> None:
    found = grants("database", lines, "gate_way")
    assert found.grade == grade
    assert words in found.words


@pytest.mark.parametrize(
    ("form", "grade", "words"),
    [
        (None, "ok", "no tables yet"),
        ("0001", "ok", "older gateway"),
        ("0002", "ok", "the newest"),
        ("0003", "problem", "newer gateway"),
    ],
)
def test_the_form_of_the_tables(form: str | None, grade: str, words: str) -> None:
    found = tables("database", form, "0002")
    assert found.grade == grade
    assert words in found.words


@pytest.mark.parametrize(
    ("ahead", "grade", "words"),
    [
        ({"samples": 7, "slots": 7}, "ok", "this month and 7 to come"),
        ({"samples": 7, "slots": 2}, "note", "this month and 2 to come"),
        ({"samples": 0, "slots": 7}, "note", "this month and 0 to come"),
        ({"samples": -1, "slots": 7}, "problem", "samples has no partition for this month"),
    ],
)
def test_months_to_come(ahead: dict[str, int], grade: str, words: str) -> None:
    found = partitions("database", ahead, 3)
    assert found.grade == grade
    assert words in found.words
    assert bool(found.advice) == (grade != "ok")


def test_a_server_that_can_make_partitions() -> None:
    assert partitioning("database", "ACTIVE") is None
    for status in ("DISABLED", None):
        found = partitioning("database", status)
        assert found is not None
        assert found.grade == "problem"


def test_a_file_that_is_sound_and_samples_that_could_be_read() -> None:
    assert integrity("database", "ok").grade == "ok"
    assert "row 7 missing" in integrity("database", "row 7 missing").words
    assert [bad_samples("database", count).grade for count in (0, 3)] == ["ok", "note"]
    assert bad_samples("database", 3).words.startswith("3 samples")


@pytest.mark.parametrize(
    ("age_s", "grade", "words"),
    [
        (None, "ok", "nothing was written yet"),
        (90, "ok", "5 series, the last slot 90 s ago"),
        (-60, "ok", "5 series, the last slot 0 s ago"),
        (3 * 86_400, "note", "5 series, the last slot 3 days ago"),
        (-40 * 86_400, "problem", "the last slot is 40 days ahead of the clock"),
    ],
)
def test_what_is_written_of_a_site(age_s: float | None, grade: str, words: str) -> None:
    found = recorded("home", 5, age_s)
    assert (found.area, found.grade, found.words) == ("home", grade, words)
    assert bool(found.advice) == (grade != "ok")


def test_a_gateway_that_answers_is_asked_how_it_does() -> None:
    assert ready("port", "http://h", "ok", []).grade == "ok"
    found = ready("port", "http://h", "not_ready", [("store", "ok", None), ("disk", "down", "full")])
    assert found.grade == "problem"
    assert "(disk down: full)" in found.words
    assert "(draining)" in ready("port", "http://h", "draining", []).words


def heard(**more: object) -> Heard:
    told = {"messages": 300, "seconds": 12, "dialect": "openwb-2", "version": "2.2.0", "alive": True, **more}
    return Heard(**{"clock_ahead_s": 0.5, **told})  # type: ignore[arg-type] # of the names of Heard


@pytest.mark.parametrize(
    ("what", "expected", "words"),
    [
        ({}, ["ok", "ok", "ok"], "speaks openWB 2.x, version 2.2.0: 300 messages in 12 s"),
        ({"dialect": "openwb-1.9", "version": None}, ["ok", "ok", "ok"], "speaks openWB 1.9: 300"),
        ({"refused": ("openWB/#",)}, ["problem"], "refuses subscriptions"),
        ({"messages": 0}, ["problem"], "not one message in 12 s"),
        ({"dialect": None}, ["problem"], "none of which an openWB would send"),
        ({"secondary": True}, ["ok", "problem", "ok"], "controlled by another one"),
        ({"missing_rights": "full-access"}, ["ok", "problem", "ok"], "withholds its values"),
        ({"alive": False}, ["ok", "ok", "problem"], "no sign of life in 12 s"),
        ({"clock_ahead_s": -65.0}, ["ok", "ok", "ok"], "agree"),
        ({"clock_ahead_s": -7_300.0}, ["ok", "ok", "note"], "2 hours behind ours"),
        ({"clock_ahead_s": 300.0}, ["ok", "ok", "note"], "5 minutes ahead of ours"),
        ({"clock_ahead_s": None}, ["ok", "ok", "ok"], "agree"),
    ],
)
def test_what_a_box_said(what: dict[str, object], expected: list[str], words: str) -> None:
    found = box("home", heard(**what))
    assert grades(found) == expected
    assert words in " ".join(finding.words for finding in found)
    assert all(finding.advice for finding in found if finding.grade == "problem")


def test_what_to_grant_is_said() -> None:
    advice = " ".join(one.advice for one in box("home", heard(missing_rights="full-access (chargepoint/#)")))
    assert "in the box's user management grant full-access (chargepoint/#)" in advice


@pytest.mark.parametrize(
    ("seconds", "words"), [(61.0, "61 s"), (150.0, "2 minutes"), (7_200.0, "2 hours"), (86_400.0 * 9, "9 days")]
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_reasons_without_the_wrappings_of_libraries() -> None:
    assert reason_of(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)")) == "Connection refused"
    assert reason_of(TimeoutError()) == "no answer in time"
    assert reason_of(OSError("several reasons")) == "several reasons"
    assert reason_of(ValueError()) == "ValueError"
    wrapped = RuntimeError("Error 111 connecting")
    wrapped.__cause__ = OSError(111, "x")
    assert reason_of(wrapped) == "Connection refused"
    late = TimeoutError()
    late.__cause__ = asyncio.CancelledError()  # as asyncio.timeout raises it
    assert reason_of(late) == "no answer in time"
