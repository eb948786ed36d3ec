"""``openwb-gateway import`` and ``reconcile``: files in, tables out, by the settings."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gateway.cli.imports import MONTH, lines_of
from gateway.cli.main import cli
from gateway.domain.months import Month
from gateway.run.imports import Summary

DATA = Path(__file__).parents[2] / "data"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """With a box and a data folder that are nobody else's."""
    settings = {"GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_MQTT_URL": "mqtt://127.0.0.1:1"}
    monkeypatch.setattr("gateway.cli.starting.configure", lambda _: None)

    def run(*words: str, **more: str) -> Result:
        return CliRunner().invoke(cli, words, env={**settings, **more})

    return run


def test_files_are_taken_over_once_and_stand_beside_each_other(run: Run, tmp_path: Path) -> None:
    first = run("import", "ladelog", str(DATA / "v19-ladelog.csv"))
    assert (first.exit_code, first.output) == (0, "34 entries: 34 new, 0 known already\n")
    assert run("import", "ladelog", str(DATA / "v19-ladelog.csv")).output == "34 entries: 0 new, 34 known already\n"
    of_2 = run("import", "ladelog", str(DATA / "v2-chargelog.json")).output
    assert of_2.startswith("36 entries: 36 new, 0 known already\ntaken over as they are, though odd:\n")
    assert "      1  over a day\n" in of_2
    export = tmp_path / "evcc.csv"
    export.write_text("Startzeit;Energie (kWh)\n2026-05-13 18:53:35;27,429\nSumme;27\n", encoding="utf-8-sig")
    assert "1 entries: 1 new, 0 known already\n1 lines are no entries" in run("import", "evcc", str(export)).output
    table = run("reconcile", "--from", "2026-10", "--to", "2026-11").output.splitlines()
    assert table[0].split() == ["month", "charge", "point", "box", "kWh", "gateway", "kWh", "meter", "kWh"]
    assert [line.split() for line in table[1:]] == [
        ["2026-10", "5", "328.062", "-", "-"],
        ["2026-10", "6", "150.048", "-", "-"],
        ["2026-11", "5", "1.038", "-", "-"],
        ["2026-11", "6", "0.754", "-", "-"],
    ]
    assert run("reconcile", "--from", "2020-01", "--to", "2020-01").output.startswith("nothing is known")


def test_what_is_wrong_is_said_and_nothing_written(run: Run, tmp_path: Path) -> None:
    odd = tmp_path / "odd.csv"
    odd.write_text("<html>")
    for words, said in (
        (("import", "ladelog", str(odd)), "odd.csv: no line is one of an openWB 1.9 log"),
        (("import", "evcc", str(odd)), "odd.csv: no export of evcc"),
        (("import", "evcc", str(tmp_path / "none.csv")), "none.csv: cannot be read: No such file"),
        (("import", "charge-log", "--from", "2026-01"), "no gateway runs with these settings"),
        (
            ("import", "charge-log", "--from", "2026-13"),
            "--from: '2026-13' is no month; allowed is one such as 2026-03",
        ),
        (("import", "evcc", str(odd), "--site", "x"), "--site: name one of home"),
    ):
        found = run(*words)
        assert (found.exit_code, said in found.output) == (2, True), found.output
    assert not (tmp_path / "gateway.db").exists()
    unknown = run("import", "evcc", str(odd), GATEWAY_TIMEZONE="Europe/Atlantis")
    assert "GATEWAY_TIMEZONE: this system knows no time zone 'Europe/Atlantis'" in unknown.output


def test_who_only_reads_makes_no_database(run: Run, tmp_path: Path) -> None:
    folder, file, socket = tmp_path / "elsewhere", tmp_path / "other.db", f"unix://{tmp_path}/none.sock"
    elsewhere, at_url = {"GATEWAY_DATA_DIR": str(folder)}, {"GATEWAY_DATABASE_URL": f"sqlite+aiosqlite:///{file}"}
    for words, more, missing in (
        (("reconcile",), elsewhere, folder / "gateway.db"),
        (("reconcile",), {**elsewhere, "GATEWAY_MQTT_URL": ""}, folder / "demo" / "gateway.db"),
        (("reconcile",), at_url, file),
        (("import", "charge-log"), {**elsewhere, "GATEWAY_REDIS_URL": socket}, folder / "gateway.db"),
    ):
        found = run(*words, "--from", "2026-01", **more)
        assert (found.exit_code, found.output.count("\n")) == (2, 1), found.output
        assert f"openwb-gateway: there is no database {missing}; set GATEWAY_DATA_DIR or " in found.output
    assert not list(tmp_path.iterdir())


def test_what_failed_is_listed() -> None:
    assert lines_of(Summary(5, 7, 0, {}, ("2026-01: silent",))) == [
        "5 entries: 7 new, 0 known already",
        "not answered, and to be repeated:",
        "  2026-01: silent",
    ]


def test_a_month_is_a_month() -> None:
    assert MONTH.convert(Month(2026, 1), None, None) == MONTH.convert("2026-01", None, None) == Month(2026, 1)
    with pytest.raises(click.UsageError):
        MONTH.convert("January", None, None)
