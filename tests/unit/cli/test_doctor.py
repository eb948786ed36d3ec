"""What the doctor prints. What it finds with real parts: tests/integration/test_doctor.py."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.doctor import lines, summary
from gateway.cli.main import cli
from gateway.run.findings import Finding
from gateway.run.paint import Paint
from tests.support.ports import free_port

OK = Finding("python", "ok", "3.11.2")
NOTE = Finding("store", "note", "it forgets", "set appendonly")
PROBLEM = Finding("home", "problem", "not there\x1b[2J", "switch it on")


def test_what_to_do_stands_below_what_is_wrong() -> None:
    assert lines(OK, Paint(on=False)) == ["ok       python    3.11.2"]
    assert lines(PROBLEM, Paint(on=False)) == [
        "problem  home      not there [2J",
        "                   → switch it on",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([OK], "nothing stands in the way"),
        ([OK, NOTE], "nothing stands in the way, 1 note"),
        ([PROBLEM, PROBLEM, NOTE, NOTE], "2 problems, 2 notes"),
        ([PROBLEM], "1 problem"),
    ],
)
def test_the_last_line_is_the_sum(found: list[Finding], words: str) -> None:
    assert summary(found, Paint(on=False)) == words


def ran(*words: str, **environ: str) -> tuple[int, str]:
    made = CliRunner().invoke(cli, ["doctor", *words], env=environ)
    return made.exit_code, made.stdout


def test_where_nothing_is_set_the_demo_can_run_and_nothing_is_made(tmp_path: Path) -> None:
    environ = {"GATEWAY_DATA_DIR": str(tmp_path / "data"), "GATEWAY_PORT": str(free_port())}
    status, said = ran(**environ)
    assert status == 0, said
    assert said.endswith("\n\nnothing stands in the way\n")
    assert "no box is set: up runs the demo" in said
    assert "is not there yet; the first start makes it" in said
    assert list(tmp_path.iterdir()) == []
    status, said = ran("--json", **environ)
    told = json.loads(said)
    assert (status, told["ok"]) == (0, True)
    assert {finding["grade"] for finding in told["findings"]} == {"ok"}


def test_settings_that_cannot_be_read_are_each_a_problem() -> None:
    status, said = ran("--json", GATEWAY_PORT="x", GATEWAY_LOG_LEVEL="loud")
    told = json.loads(said)
    assert (status, told["ok"]) == (1, False)
    problems = [finding["words"] for finding in told["findings"] if finding["grade"] == "problem"]
    assert [words.partition(":")[0] for words in problems] == ["GATEWAY_PORT", "GATEWAY_LOG_LEVEL"]


def test_the_time_to_listen_has_bounds() -> None:
    status, _ = ran("--listen", "0")
    assert status == 2
