"""What Prometheus finds at processes as their users run them, and that it moves by what happens."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway.services.metrics import METRICS
from tests.support.bridge import START, LiveBox
from tests.support.gateway import GatewayPart
from tests.support.home import SITE, home
from tests.support.parts import MosquittoPart, RedisPart, free_port
from tests.support.raw_socket import PING, PONG, RawSocket, client_frame, raw_socket, text
from tests.support.scrape import scrape, shows
from tests.support.waiting import eventually

UNACKNOWLEDGED = 4_000


def declared(process: str) -> set[str]:
    return {one.name.removesuffix("_total") for one in METRICS if one.process in ("all", process)}


async def pongs_until_subscribed(client: RawSocket) -> list[bytes]:
    """Subscribe to all; the pings that came meanwhile, unanswered."""
    pings: list[bytes] = []
    await client.send(text(json.dumps({"type": "subscribe", "id": 1, "site": SITE, "keys": ["#"]})))
    while True:
        one = await client.frame()
        if one.opcode == PING:
            pings.append(one.payload)
        elif json.loads(one.payload)["type"] == "snapshot":
            return pings


async def test_a_web_process_shows_what_becomes_of_its_clients(tmp_path: Path, redis: RedisPart) -> None:
    async with home(tmp_path, redis, limit_unacknowledged_bytes=UNACKNOWLEDGED, ping_idle_s=2) as at_home:
        base, url = at_home.web.base, f"ws://127.0.0.1:{at_home.web.port}/api/v1/live"

        first = scrape(base)
        assert set(first.families) - {name for name in first.families if name.startswith("process_")} == declared(
            "web"
        )
        assert first.of("gw_link_state", site=SITE, state="up") == 1
        assert sum(first.of("gw_link_state", **labels) for labels in first.labels("gw_link_state")) == 1
        async with raw_socket(url, token=at_home.web.log_in()) as client:
            pings = await pongs_until_subscribed(client)
            seen = await shows(base, "gw_subs", 1)
            assert seen.of("gw_clients", state="authenticated") == 1
            assert seen.of("gw_connects_total", result="accepted") == 1
            private, shared = (seen.of("gw_frames_total", kind=kind) for kind in ("private", "shared"))
            assert (private, seen.of("gw_encode_total")) == (4, 1), "hello, authenticated, subscribed, snapshot"

            await at_home.change(1)
            seen = await shows(base, "gw_frames_total", shared + 1, kind="shared")
            assert seen.of("gw_bytes_total") > first.of("gw_bytes_total")

            while scrape(base).of("gw_conflated_clients") == 0:  # it reads, and answers no ping
                await at_home.change(20)
            assert scrape(base).of("gw_client_lag_seconds_count") == 0
            async for one in client.frames():
                if one.opcode == PING:
                    pings.append(one.payload)
                    if len(pings) * UNACKNOWLEDGED // 4 >= UNACKNOWLEDGED:
                        break
            await client.send(client_frame(PONG, pings[-1]))
            seen = await shows(base, "gw_client_lag_seconds_count", 1)
            assert 0 < seen.of("gw_client_lag_seconds_sum") < 60
            await eventually(lambda: scrape(base).of("gw_conflated_clients") == 0)

            await at_home.new_epoch()
            seen = await shows(base, "gw_resets_total", 1, why="epoch")
            assert seen.of("gw_epoch_changes_total", site=SITE) == 1
            assert (seen.of("gw_tail_lag_entries", site=SITE), seen.of("gw_loop_lag_seconds_count") > 0) == (0, True)
        await shows(base, "gw_closes_total", 1, code="1006")
        assert scrape(base).of("gw_clients", state="authenticated") == 0

        with pytest.raises(AssertionError, match="400 Bad Request"):
            async with raw_socket(url, headers="Sec-WebSocket-Protocol: another\r\n"):
                pass
        assert scrape(base).of("gw_connects_total", result="invalid_argument") == 1

        assert scrape(base).of("gw_part_ok", part="store") == 1
        await redis.kill()
        await eventually(lambda: scrape(base).of("gw_part_ok", part="store") == 0)


async def test_a_bridge_of_its_own_has_a_port_for_its_figures(
    tmp_path: Path, mosquitto: MosquittoPart, redis: RedisPart
) -> None:
    box, port = LiveBox(mosquitto), free_port()
    await box.say({**START, "chargepoint/5/get/currents": b"nonsense", "chargepoint/5/get/plug_state": "perhaps"})
    given: dict[str, Any] = {"mqtt_url": mosquitto.url, "redis_url": redis.url, "metrics_port": port}
    base = f"http://127.0.0.1:{port}"
    async with GatewayPart("bridge", tmp_path / "bridge", **given, flood_quiet_s=0.1):
        seen = await shows(base, "gw_unreadable_total", 1, site="home", reason="encoding")
        assert set(seen.families) - {one for one in seen.families if one.startswith("process_")} == declared("bridge")
        assert (seen.of("gw_leads", site="home"), seen.of("gw_box_connects_total", site="home")) == (1, 1)
        seen = await shows(base, "gw_ingest_seconds_count", 1, site="home")
        assert seen.of("gw_epochs_opened_total", site="home") >= 1
        told, unchanged = (seen.of(f"gw_{one}_total", site="home") for one in ("messages", "unchanged_dropped"))
        await box.say({"counter/0/get/power": 1000.5})
        seen = await shows(base, "gw_unchanged_dropped_total", unchanged + 1, site="home")
        assert seen.of("gw_messages_total", site="home") > told

        assert seen.of("gw_fence_rejects_total", site="home") == 0
        assert seen.of("gw_part_ok", part="store for home") == 1
        await redis.kill()
        await box.say({"counter/0/get/power": 7})
        await eventually(lambda: scrape(base).of("gw_part_ok", part="store for home") == 0)


async def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given: dict[str, Any] = {"mqtt_url": "mqtt://127.0.0.1:1", "redis_url": "redis://127.0.0.1:1/0"}
        bridge = GatewayPart("bridge", tmp_path, metrics_port=taken.getsockname()[1], **given)
        bridge.spawn()
        assert await bridge.ended() != 0
    (line,) = bridge.log.splitlines()
    assert re.search(r"GATEWAY_METRICS_PORT: 127\.0\.0\.1:\d+ is taken by .*: GATEWAY_METRICS_PORT=\d+", line)
