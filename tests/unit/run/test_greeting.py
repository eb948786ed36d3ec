"""What ``up`` says at its start. The whole of it, on a real terminal and in a pipe: tests/e2e/test_up.py."""

import io
import json
import sys
from pathlib import Path

import msgspec
import pytest

from gateway.run.greeting import Runs, box_of, farewell, greet, lines, own_command, reachable, without_secrets
from gateway.run.paint import Paint
from gateway.settings import SiteSettings

RUNS = Runs(
    page="http://127.0.0.1:8080",
    here="http://127.0.0.1:8080",
    sites=(("home", "mqtt://box:1883"),),
    store="Valkey, embedded",
    database="SQLite, gateway.db",
    data_dir=Path("/data"),
)


def test_with_a_password_it_says_who_logs_in() -> None:
    assert lines(RUNS, "openwb-gateway", Paint(on=False)) == [
        "",
        "openwb-gateway 0.1.0 runs",
        "",
        "  page      http://127.0.0.1:8080/",
        "  log in    as admin",
        "  site      home   mqtt://box:1883",
        "  store     Valkey, embedded",
        "  database  SQLite, gateway.db",
        "  data      /data",
        "  watch     openwb-gateway watch   in another terminal",
        "  stop      Ctrl-C",
        "",
    ]


def test_without_one_it_gives_the_link_and_elsewhere_the_address() -> None:
    runs = msgspec.structs.replace(RUNS, setup_link="http://h/#setup=x", here="http://127.0.0.1:9", demo=True)
    said = "\n".join(lines(runs, "openwb-gateway", Paint(on=False)))
    for words in (
        "choose a password first",
        "http://h/#setup=x",
        "watch --url http://127.0.0.1:9",
        "For your own box",
    ):
        assert words in said


def test_in_a_pipe_it_is_one_event_each() -> None:
    out = io.StringIO()
    greet(RUNS, out, {})
    farewell(out)
    ready, stopped = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ready["event"], ready["sites"]) == ("ready", [{"id": "home", "box": "mqtt://box:1883"}])
    assert stopped["event"] == "stopped"


def test_neither_user_nor_password_is_shown() -> None:
    assert box_of(SiteSettings(id="a", mqtt_url="mqtts://me:secret@box:8883")) == "mqtts://box:8883"
    assert without_secrets("mysql+aiomysql://me:se@cret@db:3306/gw?ssl=1") == "mysql+aiomysql://db:3306/gw"
    assert without_secrets("unix:///run/redis.sock?db=1") == "unix:///run/redis.sock"


@pytest.mark.parametrize(
    ("here", "near"),
    [
        ("http://0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://[::]:8080", "http://[::1]:8080"),
        ("http://10.0.0.0:80", "http://10.0.0.0:80"),
    ],
)
def test_who_listens_everywhere_is_reached_here(here: str, near: str) -> None:
    assert reachable(here) == near


def test_the_command_is_as_short_as_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert own_command() == f"{tmp_path}/bin/python -m gateway"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "openwb-gateway").touch(mode=0o755)
    assert own_command() == f"{tmp_path}/bin/openwb-gateway"
    monkeypatch.chdir(tmp_path)
    assert own_command() == "bin/openwb-gateway"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert own_command() == "openwb-gateway"
