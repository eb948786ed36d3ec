"""The websocket by Litestar's own test client: a server that knows nothing of the extension ``gateway.frames``."""

import json
from functools import partial
from typing import Any

from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from gateway.api.connections import Connections
from gateway.api.live import Live, live_socket
from gateway.domain.clock import SystemClock
from gateway.domain.values import Delta, Position, Reading
from gateway.hub.hub import Hub
from gateway.protocol.messages import SUBPROTOCOL, Limits
from gateway.services.rights import rights_of
from gateway.store.follow import Loaded
from tests.support.server import TOKEN, Tokens


def test_frames_go_by_send_where_the_server_does_not_take_them() -> None:
    clock, limits = SystemClock(), Limits()
    hub = Hub(["home"], clock, limits)
    hub.on_step("home", Loaded(Position("e", 7), {"grid/power_w": Reading(1, 1.0)}, {"grid/power_w": 7}, {}, 7))
    live = Live(hub, Tokens(), partial(rights_of, sites={"home"}), clock, Connections(limits), version="1")
    provided = Provide(lambda: live, sync_to_thread=False)
    app = Litestar([live_socket], dependencies={"live": provided}, openapi_config=None, logging_config=None)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with TestClient(app) as client, client.websocket_connect("/live", [SUBPROTOCOL], headers=headers) as socket:

        def next_one() -> dict[str, Any]:
            message: dict[str, Any] = json.loads(socket.receive_text())
            return message

        assert [next_one()["type"] for _ in range(2)] == ["hello", "authenticated"]
        socket.send_text('{"type":"subscribe","id":1,"site":"home","keys":["grid/#"]}')
        assert [next_one()["type"] for _ in range(2)] == ["subscribed", "snapshot"]
        socket.send_text('{"type":"ping"}')
        assert next_one() == {"type": "pong"}
        client.blocking_portal.call(hub.on_step, "home", Delta("e", 7, 8, {"grid/power_w": Reading(2, 2.0)}))
        assert next_one()["values"] == {"grid/power_w": [2, 2.0]}
    assert len(live) == 0
