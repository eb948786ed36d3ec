"""The websocket over a real uvicorn and a real Redis, talked to message by message."""

import json
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from gateway.api.live import Connection, LiveTimes
from gateway.domain.errors import DatabaseUnavailable
from gateway.domain.values import Changes, Reading
from gateway.protocol.messages import SUBPROTOCOL, Limits
from tests.support.live_client import client
from tests.support.server import TOKEN, live_gateway, login, serving
from tests.support.store_writer import readings
from tests.support.stores import RedisPart
from tests.support.waiting import eventually

START = {
    "grid/power_w": Reading(100.0, 1.5),
    "pv/power_w": Reading(None, None),
    "link/state": Reading("up", 1.0),
    "battery/soc_percent": Reading(55, 1.0, stale=True),
}


@pytest.fixture(autouse=True, params=["frames", "send"])
def way_out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything here holds with the extension ``gateway.frames``, and with a server that knows nothing of it."""
    way: str = request.param
    monkeypatch.setattr("tests.support.server.serving", partial(serving, frames=way == "frames"))
    return way


async def test_from_hello_to_a_delta(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings=START) as gateway, client(gateway) as one:
        assert one.socket.subprotocol == SUBPROTOCOL
        hello = await one.expect("hello", version=1, auth="required")
        assert hello["server"]["version"] == "1.2.3"
        assert hello["limits"]["message_bytes"] == 16_384
        # requests may follow auth without waiting
        await one.send(type="auth", token=TOKEN, device="phone-1")
        await one.send(type="subscribe", site=site, keys=["grid/#", "battery/+"], min_interval_ms=0)
        await one.expect("authenticated", id=1, user="anna", scopes=["admin"])
        subscribed = await one.expect("subscribed", id=2, how="snapshot", min_interval_ms=0)
        await one.expect(
            "snapshot",
            subscription=subscribed["subscription"],
            epoch=gateway.writer.epoch,
            seq=subscribed["seq"],
            part=1,
            parts=1,
            values={
                "grid/power_w": [100.0, 1.5],
                "link/state": ["up", 1.0],
                "battery/soc_percent": [55, 1.0, "stale"],
            },
        )
        seq = await gateway.writer.append({"grid/power_w": Reading(-3.5, 2.5), "battery/soc_percent": None})
        values = {"grid/power_w": [-3.5, 2.5], "battery/soc_percent": None}
        await one.expect("delta", from_=subscribed["seq"], seq=seq, values=values)
        await one.send(type="unsubscribe", subscription=subscribed["subscription"])
        await one.expect("unsubscribed", id=3)
        await one.send(type="ping")
        await one.expect("pong")
    assert not gateway.hub._sites[site].groups


async def test_authorization_header_and_no_subprotocol(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway, client(gateway, token=TOKEN, subprotocols=None) as one:
        assert one.socket.subprotocol is None
        await one.expect("hello", auth="done")
        await one.expect("authenticated", id=None, user="anna")
        await one.subscribe(site, "#")


@pytest.mark.parametrize(
    ("token", "subprotocols", "status", "code"),
    [
        ("wrong", [SUBPROTOCOL], 401, "unauthenticated"),
        (None, ["gateway.v9.json"], 400, "invalid_argument"),
        ("slow", [SUBPROTOCOL], 503, "database_unavailable"),
    ],
)
async def test_refused_before_the_upgrade(
    redis: RedisPart, site: str, token: str | None, subprotocols: list[str], status: int, code: str
) -> None:
    async with live_gateway(redis, site) as gateway:
        gateway.tokens.known["slow"] = DatabaseUnavailable("gone", retry_after_s=1.5)
        with pytest.raises(InvalidStatus) as refused:
            async with client(gateway, token=token, subprotocols=[Subprotocol(one) for one in subprotocols]):
                pass
    response = refused.value.response
    assert response.status_code == status
    assert response.body is not None
    problem = json.loads(response.body)
    assert (problem["code"], problem["title"]) == (code, HTTPStatus(status).phrase)
    assert problem.get("retry_after_s") == (1.5 if token == "slow" else None)
    assert response.headers.get("retry-after") == ("2" if token == "slow" else None)
    assert ("www-authenticate" in response.headers) is (status == 401)


async def test_ours_among_several_subprotocols_is_echoed(redis: RedisPart, site: str) -> None:
    offered = [Subprotocol("gateway.v9.json"), Subprotocol(SUBPROTOCOL)]
    async with live_gateway(redis, site) as gateway, client(gateway, subprotocols=offered) as one:
        assert one.socket.subprotocol == SUBPROTOCOL


async def test_what_cannot_be_read_is_refused_by_name_and_the_connection_goes_on(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway, client(gateway, token=TOKEN) as one:
        await one.expect("hello")
        await one.expect("authenticated")
        for text, code, request_id in (
            ('{"type":"command","id":4}', "unknown_message", 4),
            ('{"type":"subscribe","id":5,"site":"x","keys":[],"colour":1}', "unknown_field", 5),
            ("not json", "invalid_argument", None),
            (b"\x00", "invalid_argument", None),
            (json.dumps({"type": "ping", "id": "x" * 20_000}), "message_too_large", None),
        ):
            await one.socket.send(text)
            await one.expect("error", code=code, id=request_id)
        await one.send(type="subscribe", site="nowhere", keys=["#"])
        await one.expect("error", code="not_found")
        await one.send(type="ping")
        await one.expect("pong")


async def test_auth_deadline_and_tries(redis: RedisPart, site: str) -> None:
    limits = Limits(auth_deadline_s=0.3, auth_tries=2)
    async with live_gateway(redis, site, limits=limits) as gateway:
        async with client(gateway) as silent:
            assert await silent.closed() == 4103
        async with client(gateway) as guessing:
            await guessing.expect("hello")
            await guessing.send(type="auth", token="wrong")
            await guessing.expect("error", id=1, code="unauthenticated")
            await guessing.send(type="auth", token="wrong")
            assert await guessing.closed() == 4001
        assert len(gateway.live) == 0


async def test_resume_after_a_lost_connection(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings=START) as gateway:
        async with client(gateway, token=TOKEN) as one:
            await one.expect("hello")
            await one.expect("authenticated")
            before = await one.subscribe(site, "grid/#")
            await one.expect("snapshot")
            one.socket.transport.abort()
        await gateway.writer.append({"grid/power_w": Reading(7, 3.0), "pv/power_w": Reading(1, 3.0)})
        await eventually(gateway.caught_up)
        held = {"epoch": before["epoch"], "seq": before["seq"], "view": before["view"]}
        async with client(gateway, token=TOKEN) as one:
            await one.expect("hello")
            await one.expect("authenticated")
            after = await one.subscribe(site, "grid/#", from_=held)
            assert (after["how"], after["seq"]) == ("resumed", before["seq"])
            await one.expect("delta", from_=before["seq"], seq=gateway.writer.seq, values={"grid/power_w": [7, 3.0]})
            other = await one.subscribe(site, "pv/#", from_=held)
            assert other["how"] == "snapshot"


async def test_ended_and_expired_logins_close_their_connections_only(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site) as gateway:
        gateway.tokens.known["second"] = login(2, "ben")
        async with client(gateway) as anna, client(gateway, token="second") as ben:
            await anna.log_in()
            await ben.expect("hello")
            gateway.live.connections.end_login(1)
            assert await anna.closed() == 4010
            await ben.expect("authenticated")
            await ben.send(type="ping")
            await ben.expect("pong")
        # a login that ends while its token is being looked up
        async with client(gateway) as late:
            gateway.tokens.gate.clear()
            await late.expect("hello")
            await late.send(type="auth", token=TOKEN)
            gateway.live.connections.end_login(1)
            gateway.tokens.gate.set()
            assert await late.closed() == 4010
        gateway.tokens.known["short"] = login(3, expires_at=gateway.live.clock.now() + 0.2)
        async with client(gateway, token="short") as short:
            assert await short.closed() == 4203


async def test_a_login_that_ended_elsewhere_is_noticed_and_a_lost_database_ends_none(
    redis: RedisPart, site: str
) -> None:
    async with live_gateway(redis, site, times=LiveTimes(look_again_s=0.05)) as gateway:
        gateway.tokens.known["second"] = login(2, "ben")
        async with client(gateway) as anna, client(gateway, token="second") as ben:
            await anna.log_in()
            await ben.expect("hello")
            await ben.expect("authenticated")
            gateway.tokens.known["lost"] = DatabaseUnavailable("gone")
            del gateway.tokens.known[TOKEN]
            asked = gateway.tokens.asked_again
            await eventually(lambda: gateway.tokens.asked_again > asked + 4)
            assert len(gateway.live) == 2
            del gateway.tokens.known["lost"]
            assert await anna.closed() == 4010
            await ben.send(type="ping")
            await ben.expect("pong")


async def test_store_lost_and_back(redis: RedisPart, site: str) -> None:
    limits = Limits(heartbeat_s=0.2)
    async with (
        live_gateway(redis, site, limits=limits, readings=START) as gateway,
        client(gateway, token=TOKEN) as one,
        client(gateway, token=TOKEN) as two,
    ):
        for each in (one, two):
            await each.expect("hello")
            await each.expect("authenticated")
        subscribed = await one.subscribe(site, "grid/#")
        number, seq = subscribed["subscription"], subscribed["seq"]
        await one.expect("snapshot")
        await one.expect("delta", values={}, from_=seq, seq=seq, subscription=number)
        await redis.kill()
        while (message := await one.next())["type"] == "delta":
            assert message["values"] == {}
        assert (message["code"], message["id"]) == ("store_unavailable", None)
        await two.send(type="subscribe", site=site, keys=["#"])
        refused = await two.expect("error", code="store_unavailable")
        assert refused["retry_after_s"] > 0
        await redis.start()
        # no heartbeat before the store is back; then the same positions go on
        await one.expect("delta", values={}, from_=seq, seq=seq)
        await two.subscribe(site, "#")


async def test_a_new_epoch_resets_everybody(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings=START) as gateway, client(gateway, token=TOKEN) as one:
        await one.expect("hello")
        await one.expect("authenticated")
        number = (await one.subscribe(site, "grid/#"))["subscription"]
        await one.expect("snapshot")
        position = await gateway.writer.open(readings(**{"grid/power_w": 5}))
        await one.expect("reset", subscription=number, reason="epoch", now=number)
        snapshot = await one.expect("snapshot", epoch=position.epoch, seq=position.seq)
        assert list(snapshot["values"]) == ["grid/power_w"]


async def test_who_does_not_read_is_conflated_and_neighbours_get_everything(
    redis: RedisPart, site: str, way_out: str
) -> None:
    """Red on a build whose ``Member.full`` is always False: more and more is on the way to the silent one."""
    limits = Limits(unacknowledged_bytes=20_000)
    text = "x" * 4_000
    async with (
        live_gateway(redis, site, limits=limits, readings=START) as gateway,
        client(gateway, token=TOKEN) as reading,
        client(gateway, token=TOKEN, max_queue=1) as silent,
    ):
        for each in (reading, silent):
            await each.expect("hello")
            await each.expect("authenticated")
            await each.subscribe(site, "#")
            await each.expect("snapshot")
        sinks: list[Any] = [one._sink for one in gateway.live._connections]
        seq = gateway.writer.seq
        # 16 MB: more than sockets and buffers on the way can swallow, which only acknowledgements see through
        rounds = 50 if way_out == "frames" else 1_000
        for number in range(rounds):
            changes: Changes = {f"raw/{place}": Reading(f"{number}{text}", 1.0) for place in range(4)}
            written = await gateway.writer.append(changes)
            delta = await reading.expect("delta", from_=seq)
            assert delta["seq"] == written
            seq = written
        most = max(one.unacknowledged for one in sinks if one is not None)
        assert limits.unacknowledged_bytes <= most < limits.unacknowledged_bytes + 20_000
        frames = 0
        delta = {"seq": 0}
        while delta["seq"] < seq:
            delta = await silent.expect("delta")
            frames += 1
        assert delta["values"]["raw/3"][0] == f"{rounds - 1}{text}"
        assert frames < rounds


async def test_an_error_in_one_connection_ends_that_one_only(
    redis: RedisPart, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with live_gateway(redis, site) as gateway, client(gateway, token=TOKEN) as well:
        await well.expect("hello")
        async with client(gateway, token=TOKEN) as ill:
            await ill.expect("hello")
            failing = list(gateway.live._connections)[-1]

            def fail(self: Connection, *given: object) -> None:
                raise RuntimeError("a mistake")

            monkeypatch.setattr(failing._session, "receive", fail.__get__(failing))
            await ill.send(type="ping")
            assert await ill.closed() == 1011
        await well.expect("authenticated")
        await well.send(type="ping")
        await well.expect("pong")
        await eventually(lambda: len(gateway.live) == 1)


async def test_tables_are_empty_after_connections_died_in_every_state(redis: RedisPart, site: str) -> None:
    async with live_gateway(redis, site, readings=START) as gateway:
        gateway.tokens.gate.clear()
        for steps in range(6):
            async with client(gateway) as one:
                if steps > 0:
                    await one.expect("hello")
                if steps > 1:
                    await one.send(type="auth", token=TOKEN)
                if steps > 2:
                    gateway.tokens.gate.set()
                    await one.expect("authenticated")
                if steps > 3:
                    await one.send(type="subscribe", site=site, keys=["#"])
                if steps > 4:
                    await one.expect("subscribed")
                one.socket.transport.abort()
        await eventually(lambda: len(gateway.live) == 0)
        assert not gateway.hub._members
        assert not gateway.hub._sites[site].groups


async def test_the_server_ends_while_clients_are_there(redis: RedisPart, site: str) -> None:
    async with AsyncExitStack() as far, AsyncExitStack() as near:
        gateway = await near.enter_async_context(live_gateway(redis, site))
        one = await far.enter_async_context(client(gateway, token=TOKEN))
        await one.expect("hello")
        await near.aclose()
        assert await one.closed() == 1012
        assert len(gateway.live) == 0
