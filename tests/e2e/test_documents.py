"""Every block of code in the README and the documents is run here, or by the test that is named for it.

What a reader would set or replace by eye is replaced: the address of the box, the port, the password.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import tomllib
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec import yaml
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from gateway.db.engine import Database
from gateway.settings import load
from tests.bench.__main__ import ROWS
from tests.e2e import test_protocol_page, test_readme
from tests.support.documents import Block, blocks
from tests.support.gateway import PASSWORD, ROOT, GatewayPart
from tests.support.parts import MariaPart
from tests.support.ports import free_port
from tests.support.proxy import nginx
from tests.support.waiting import eventually
from tests.unit.api import test_charge_session_examples, test_history
from tests.unit.protocol import test_guide

pytestmark = pytest.mark.asyncio(loop_scope="module")

Executor = Callable[[Block, GatewayPart, Path], Awaitable[None]]

RUN_BY: dict[tuple[str, str], Any] = {
    ("README.md", "python"): test_readme.test_the_python_client_lives_through_a_restart,
    ("README.md", "js"): test_readme.test_the_javascript_client_shows_values,
    ("docs/protocol/README.md", "python"): test_protocol_page.python,
    ("docs/protocol/README.md", "js"): test_protocol_page.client,
    ("docs/charge-sessions.md", "json"): test_charge_session_examples.test_the_page_shows_what_is_told_and_taken,
    ("docs/history.md", "json"): test_history.test_the_page_shows_the_examples,
    ("docs/protocol/README.md", "json"): test_guide.test_every_message_has_an_example_that_the_protocol_can_read,
}
"""Whole clients, which want a test of their own: each reads the only block of its language on that page."""

LADELOG = ROOT / "tests" / "data" / "v19-ladelog.csv"
EVCC = b"""Start time,End time,Charging point,Vehicle,Meter start (kWh),Meter stop (kWh),Energy (kWh)
2026-03-02 18:10:00,2026-03-02 21:40:00,Garage,Car,1000.0,1012.5,12.5
"""

ONLY_NAMED = ("make check", "make test", "make bench")
"""One of these would run this test itself, and one takes a quarter of an hour."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def up(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayPart]:
    async with GatewayPart("up", tmp_path_factory.mktemp("up")) as part:
        token = part.log_in()
        await eventually(lambda: part.get("/api/v1/sites/demo/values", token)[0] == 200)
        await eventually(lambda: part.get("/health/ready")[0] == 200)
        yield part


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.name)
async def test_a_block_does_what_its_page_says(block: Block, up: GatewayPart, tmp_path: Path) -> None:
    if (block.page, block.language) not in RUN_BY:
        await EXECUTORS[block.language](block, up, tmp_path)


async def shell(block: Block, up: GatewayPart, folder: Path) -> None:
    """Line by line; what was exported holds for the lines after it."""
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    if "curl " in block.text:
        await _requests(block, environ, up)
        return
    for line in block.text.splitlines():
        words = re.split(r"\s#", line)[0].strip()
        if words.startswith("export "):
            given = dict(re.findall(r"(\w+)=(\S+)", words))
            environ.update({name: PASSWORD if name == "GATEWAY_PASSWORD" else text for name, text in given.items()})
        elif words in ONLY_NAMED:
            assert await _output(f"make --dry-run {words.removeprefix('make ')}", environ)
        elif words.startswith(".venv/bin/python -m tests.bench "):
            assert set(words.split()[3:]) <= set(ROWS)
        elif words.endswith("make run"):
            await _make_run(words, environ, folder)
        elif words.startswith(".venv/bin/openwb-gateway watch"):
            await _watch(words, environ, up)
        elif words.startswith((".venv/bin/openwb-gateway import ", ".venv/bin/openwb-gateway reconcile ")):
            await _imports(words, environ, up, folder)
        else:
            assert words == ".venv/bin/openwb-gateway doctor"
            given = {"GATEWAY_PORT": str(up.port), "GATEWAY_DATA_DIR": str(folder / "data")}
            assert "nothing stands in the way" in await _output(words, {**environ, **given})


async def _requests(block: Block, environ: dict[str, str], up: GatewayPart) -> None:
    """All lines as one script, which stops at the first failure; it ends with a table or with JSON."""
    words = block.text.replace("http://127.0.0.1:8080", up.base).replace("PASSWORD=…", f"PASSWORD={PASSWORD}")
    said = await _output(f"set -eu\n{words}", environ)
    answered = [line for line in said.splitlines() if line.startswith(("{", "time,")) or line == "time"]
    assert len(answered) == len(re.findall("^curl ", words, re.MULTILINE))


async def _make_run(words: str, environ: dict[str, str], folder: Path) -> None:
    """The box of the text is not there: what is shown is that the gateway starts for it, and says so."""
    here = {"GATEWAY_PORT": str(free_port()), "GATEWAY_DATA_DIR": str(folder / "data")}
    at_home = [
        re.sub(r"192\.168\.1\.20:\d+", f"127.0.0.1:{free_port()}", text) for text in (words, *environ.values())
    ]
    environ = {**dict(zip(environ, at_home[1:], strict=True)), **here}
    process = await asyncio.create_subprocess_shell(
        f"exec env {at_home[0]}", cwd=ROOT, env=environ, stdout=PIPE, stderr=STDOUT, start_new_session=True
    )
    try:
        ready = await _line_with(process, '"event": "ready"')
        real = "GATEWAY_MQTT_URL" in words or "GATEWAY_MQTT_URL" in environ
        assert [site["id"] for site in json.loads(ready)["sites"]] == ["home" if real else "demo"]
        os.killpg(process.pid, signal.SIGINT)
        await _line_with(process, '"event": "stopped"')
    finally:
        await _ended(process)


async def _watch(words: str, environ: dict[str, str], up: GatewayPart) -> None:
    """Until it has printed something."""
    words = words.replace("watch", f"watch --url {up.base}", 1)
    environ = {"GATEWAY_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1", **environ}
    process = await asyncio.create_subprocess_shell(
        words.replace("jq ", "jq --unbuffered "), cwd=ROOT, env=environ, stdout=PIPE, start_new_session=True
    )
    try:
        await _line_with(process, "")
    finally:
        await _ended(process)


async def _imports(words: str, environ: dict[str, str], up: GatewayPart, folder: Path) -> None:
    """The files of the text are a recorded one of a 1.9, and one as evcc writes it."""
    files = {name: str(folder / name) for name in re.findall(r"\S+\.csv", words)}
    for name, path in files.items():
        words = words.replace(name, path)
        Path(path).write_bytes(EVCC if name == "sessions.csv" else LADELOG.read_bytes())
    said = await _output(words, {**environ, "GATEWAY_DATA_DIR": str(up.folder / "data")})
    assert "not answered" not in said
    assert re.search(r"\d+ entries: \d+ new|charge point|nothing is known of that time", said), said


async def _line_with(process: asyncio.subprocess.Process, wanted: str) -> str:
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        async for line in process.stdout:
            said += line.decode()
            if wanted in line.decode():
                return line.decode()
    raise AssertionError(f"it ended without {wanted}:\n{said}")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """The program and all that it started in its session."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # ended by itself a moment ago
            os.killpg(process.pid, signal.SIGTERM)
    async with asyncio.timeout(30):
        await process.communicate()


async def _output(words: str, environ: dict[str, str]) -> str:
    """What it says; that it fails fails the test: a missing target of make also says something."""
    process = await asyncio.create_subprocess_shell(words, cwd=ROOT, env=environ, stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def settings(block: Block, up: GatewayPart, folder: Path) -> None:
    """A file that the gateway takes; the secret is where the reader has put it, the fingerprint is whole."""
    secret = folder / "secret"
    secret.write_text("secret")
    text = re.sub(r'"/run/secrets/\w+"', f'"{secret}"', block.text).replace("AA:BB:…", ":".join(["AA"] * 32))
    config = folder / "gateway.toml"
    config.write_text(text)
    sites = load({"GATEWAY_CONFIG": str(config)}).sites
    assert [site.id for site in sites] == [table["id"] for table in tomllib.loads(text)["site"]]
    assert all(site.mqtt_password == "secret" for site in sites)


async def proxy(block: Block, up: GatewayPart, folder: Path) -> None:
    """A real nginx with these lines: a page, and a websocket that is greeted."""
    port = free_port()
    upstream, location = block.text.split("\n\n", 1)
    http = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{up.port}", upstream)
    http += f"\nserver {{ listen 127.0.0.1:{port}; {location} }}"
    async with nginx(folder / "nginx", http, port):
        async with connect(f"ws://127.0.0.1:{port}/api/v1/live") as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
        assert '"status":"ok"' in await _output(
            f"curl --silent http://127.0.0.1:{port}/health/ready", dict(os.environ)
        )


async def monitoring(block: Block, up: GatewayPart, folder: Path) -> None:
    """Prometheus itself is not here: it is YAML of its shape, and names only what ``/metrics`` has."""
    found = yaml.decode(block.text)
    page = await _output(f"curl --silent --fail {up.base}/metrics", dict(os.environ))
    known = {sample.name for family in text_string_to_metric_families(page) for sample in family.samples}
    rules = [rule for group in found.get("groups", ()) for rule in group["rules"]]
    for rule in rules:
        assert set(re.findall(r"\bgw_\w+", rule["expr"])) <= known
        assert {"alert", "expr", "for", "annotations"} == set(rule)
    jobs = found.get("scrape_configs", ())
    assert all(job["job_name"] and job["static_configs"][0]["targets"] for job in jobs)
    assert bool(rules) != bool(jobs)


EXECUTORS: dict[str, Executor] = {"sh": shell, "toml": settings, "nginx": proxy, "yaml": monitoring}


async def test_the_lines_for_mariadb_make_a_user_who_suffices(mariadb: MariaPart) -> None:
    (block,) = (one for one in blocks() if one.language == "sql")
    lines = block.text.replace("gateway", "documented").replace("…", "a-secret")
    for statement in lines.strip().rstrip(";").split(";\n"):
        mariadb.run(statement)
    database = Database(f"mysql+aiomysql://documented:a-secret@127.0.0.1:{mariadb.port}/documented")
    await database.migrate()
    await database.dispose()


RUN_BY["docs/operations.md", "sql"] = test_the_lines_for_mariadb_make_a_user_who_suffices


async def test_the_programs_of_the_documents_are_here() -> None:
    assert [name for name in ("curl", "jq") if shutil.which(name) is None] == []
