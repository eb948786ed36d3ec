"""The parts themselves: each starts, is killed, starts again and keeps what it should."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.parts import (
    MariaPart,
    MosquittoPart,
    Part,
    RedisPart,
    accepts,
    chromium,
    free_port,
    mosquitto,
    nginx,
    redis_server,
    self_signed,
    valkey_server,
)
from tests.support.waiting import eventually


async def values(part: RedisPart) -> list[bytes | str]:
    async with Redis.from_url(part.url) as redis:
        return await redis.lrange("list", 0, -1)


async def push(part: RedisPart, *items: str) -> None:
    async with Redis.from_url(part.url) as redis:
        for item in items:
            await redis.rpush("list", item)


@pytest.mark.parametrize("server", [redis_server, valkey_server])
async def test_a_store_keeps_its_aof_over_a_kill_and_loses_what_is_cut_off(
    server: Callable[[Path], RedisPart], tmp_path: Path
) -> None:
    async with server(tmp_path / "store") as store:
        first_pid = store.pid
        await push(store, "one", "two", "three")
        await store.kill()
        assert not accepts(store.port)
        await store.start()
        assert store.pid != first_pid
        assert await values(store) == [b"one", b"two", b"three"]
        await store.stop()
        store.cut_aof_tail(3)
        await store.start()
        assert await values(store) == [b"one", b"two"]


async def test_without_aof_a_killed_store_is_empty(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "store", appendonly=False) as store:
        await push(store, "one")
        await store.kill()
        await store.start()
        assert await values(store) == []


async def test_a_frozen_store_answers_again_when_thawed(redis: RedisPart) -> None:
    redis.freeze()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await push(redis, "one")
    redis.thaw()
    await push(redis, "two")
    assert (await values(redis))[-1] == b"two"


async def publish_retained(part: MosquittoPart) -> None:
    async with aiomqtt.Client("127.0.0.1", part.port) as client:
        await client.publish("openWB/a", b"1", qos=1, retain=True)


async def retained(part: MosquittoPart, within_s: float = 0.5) -> bytes | None:
    async with aiomqtt.Client("127.0.0.1", part.port) as client:
        await client.subscribe("openWB/#")
        try:
            async with asyncio.timeout(within_s):
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    return message.payload
        except TimeoutError:
            pass
    return None


async def test_a_killed_broker_comes_back_and_forgets(mosquitto: MosquittoPart) -> None:
    await publish_retained(mosquitto)
    assert await retained(mosquitto) == b"1"
    await mosquitto.kill()
    assert not accepts(mosquitto.port)
    await mosquitto.start()
    assert await retained(mosquitto, within_s=0.1) is None


async def test_a_broker_with_persistence_remembers(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", persistence=True) as broker:
        await publish_retained(broker)
        saved = tmp_path / "broker" / "mosquitto.db"
        await eventually(lambda: saved.exists() and b"openWB/a" in saved.read_bytes())
        await broker.kill()
        await broker.start()
        assert await retained(broker) == b"1"


async def test_a_broker_with_users_refuses_others_and_can_change_its_mind(tmp_path: Path) -> None:
    async with mosquitto(tmp_path / "broker", users={"gateway": "right"}) as broker:
        async with aiomqtt.Client("127.0.0.1", broker.port, username="gateway", password="right"):
            pass
        with pytest.raises(aiomqtt.MqttError):
            await retained(broker)
        broker.set_users({"gateway": "other"})

        async def refused() -> bool:
            try:
                async with aiomqtt.Client("127.0.0.1", broker.port, username="gateway", password="right"):
                    return False
            except aiomqtt.MqttError:
                return True

        await eventually(refused)


async def test_a_broker_speaks_tls_with_the_pinned_certificate(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    assert len(certificate.fingerprint_sha256) == 64
    async with mosquitto(tmp_path / "broker", tls=certificate) as broker:
        assert broker.tls_port is not None
        tls = aiomqtt.TLSParameters(ca_certs=str(certificate.certificate_file))
        async with aiomqtt.Client("127.0.0.1", broker.tls_port, tls_params=tls) as client:
            await client.publish("openWB/b", b"2")


async def rows(url: str, *statements: str) -> list[int]:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
            return list((await connection.execute(text("SELECT n FROM numbers"))).scalars())
    finally:
        await engine.dispose()


async def test_a_killed_database_comes_back_with_its_rows(mariadb: MariaPart, mariadb_url: str) -> None:
    assert await rows(mariadb_url, "CREATE TABLE numbers (n INT)", "INSERT INTO numbers VALUES (7)") == [7]
    await mariadb.kill()
    assert not accepts(mariadb.port)
    await mariadb.start()
    assert await rows(mariadb_url) == [7]


async def test_each_database_of_a_test_is_its_own(mariadb: MariaPart) -> None:
    assert mariadb.new_database() != mariadb.new_database()


async def test_nginx_and_chromium_show_a_page(tmp_path: Path) -> None:
    port = free_port()
    served = (
        f"server {{ listen 127.0.0.1:{port}; default_type text/html; location / {{ return 200 '<h1>Hi</h1>'; }} }}"
    )
    async with nginx(tmp_path / "nginx", served, port) as proxy:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).text == "<h1>Hi</h1>"
        await proxy.kill()
        assert not accepts(port)
        await proxy.start()
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{port}/")
            assert await page.text_content("h1") == "Hi"


async def test_a_part_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with 1; its log:.*no-such-option"):
        await redis_server(tmp_path, options=("--no-such-option", "1")).start()
    never = Part("sleep", tmp_path, ["sleep", "60"], lambda: False, ready_within_s=0.1)
    with pytest.raises(RuntimeError, match="not ready within"):
        await never.start()
    assert not never.running


async def test_parts_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, signal
from collections.abc import Callable
from pathlib import Path
from tests.support.parts import mosquitto, redis_server
async def main():
    folder = Path({str(tmp_path)!r})
    parts = [redis_server(folder / "redis"), mosquitto(folder / "mosquitto")]
    for part in parts:
        await part.start()
    print(*(part.pid for part in parts), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    pids = [int(pid) for pid in ran.stdout.split()]
    assert len(pids) == 2
    await eventually(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
