"""A gateway played inside the browser, for what the real one does not do on demand: silence, gaps, close codes.

The page's own files and policy, answers of REST from a table, and the websocket in the test's hands.
"""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import Page, Route, WebSocketRoute

import gateway
from gateway.api.page import POLICY
from tests.support.waiting import eventually

ADDRESS = "http://gateway.test/"
FOLDER = Path(gateway.__file__).parent / "page"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
TOKEN = "a-token"
LOGIN = {"token": TOKEN, "expires_at": "2100-01-01T00:00:00Z", "user": {"name": "admin", "role": "admin"}}
SUBSCRIPTION = 7
VIEW = "9f3c"
EPOCH = "k1"
NOW = 1_800_000_000.0

Message = dict[str, Any]
Values = Mapping[str, list[Any] | None]
Query = dict[str, str]
Answer = tuple[int, Any]
"""A status and its content, or what makes the content of the address's query."""
Portal = Literal["page", "redirect", "refusal"]


def no_history(query: Query) -> Any:
    return {"timezone": "Europe/Berlin", "times": [], "series": [], **{one: query[one] for one in ("from", "to")}}


def no_charge_sessions(_query: Query) -> Any:
    totals = {"sessions": 0, "energy_wh": 0, "without_energy": 0, "grid_wh": 0, "pv_wh": 0, "battery_wh": 0}
    return {"timezone": "Europe/Berlin", "sessions": [], "next": None, "totals": totals}


NO_PAST: dict[str, Answer] = {
    "history": (200, no_history),
    "charge-sessions": (200, no_charge_sessions),
    "charge-sessions/current": (200, {"timezone": "Europe/Berlin", "sessions": []}),
}
"""Of every site for which nothing else was prepared."""


class FakeGateway:
    """Serves one page. ``received`` holds what the newest connection said, ``connections`` counts them.

    ``portal`` answers REST as a hotel's login page does, ``refusing`` ends every new connection at once.
    """

    def __init__(self, page: Page, address: str = ADDRESS) -> None:
        self.page = page
        self.address = address
        self.portal: Portal | None = None
        self.refusing = False
        self.connections = 0
        self.received: list[Message] = []
        self.requests: list[tuple[str, Any]] = []
        self.complaints: list[str] = []
        self.accepting = True
        self.answering_pings = True
        self.values: dict[str, list[Any]] = {"link/state": ["up", NOW]}
        self.seq = 100
        self.how = "snapshot"
        self.rest: dict[str, Answer] = {
            "POST auth/login": (200, LOGIN),
            "POST auth/setup": (204, None),
            "POST auth/setup/check": (204, None),
            "POST auth/logout": (204, None),
            "GET sites": (200, [{"id": "home", "name": "Home"}]),
            "GET catalogue": (200, {"language": "en", "entries": []}),
            "GET sites/home/history": (200, no_history),
            "GET sites/home/charge-sessions/current": (
                200,
                {"site": "home", "timezone": "Europe/Berlin", "sessions": []},
            ),
            "GET sites/home/charge-sessions": (200, no_charge_sessions),
        }
        self._socket: WebSocketRoute | None = None

    async def open(self, fragment: str = "", *, logged_in: bool = True) -> None:
        """Open the page, past the login unless told otherwise."""
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)
        await self.page.route(f"{self.address}**", self._serve)
        await self.page.route_web_socket(f"{self.address.replace('http', 'ws', 1)}**", self._connected)
        if logged_in:
            await self.page.add_init_script(f"sessionStorage.setItem('gateway.token', {TOKEN!r})")
        await self.page.goto(self.address + fragment)

    async def open_live(self, values: Values) -> None:
        """Open the page and wait until it shows these values as live."""
        self.values.update({key: reading for key, reading in values.items() if reading is not None})
        await self.open()
        await self.is_live()

    async def is_live(self) -> None:
        await self.page.wait_for_selector("body[data-live=yes]", state="attached")

    async def is_grey(self) -> None:
        await self.page.wait_for_selector("body[data-live=no]", state="attached")

    async def said(self, kind: str) -> Message:
        """The newest message of this kind on the newest connection, once there is one."""
        found = await eventually(lambda: [message for message in self.received if message["type"] == kind], what=kind)
        return found[-1]

    async def connected(self, times: int) -> None:
        """Wait until so many connections have been made, and the last one subscribed."""
        await eventually(lambda: self.connections >= times, what=f"{times} connections")
        await self.said("subscribe")

    def send(self, message: Message) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(message))

    def change(self, values: Values) -> None:
        """The next delta of the view."""
        for key, reading in values.items():
            if reading is None:
                self.values.pop(key, None)
            else:
                self.values[key] = reading
        before, self.seq = self.seq, self.seq + 1
        self.send({"type": "delta", "subscription": SUBSCRIPTION, "from": before, "seq": self.seq, "values": values})

    def snapshot(self) -> None:
        """The whole view, in two parts."""
        keys = list(self.values)
        halves = (keys[::2], keys[1::2])
        for part, half in enumerate(halves, 1):
            self.send(
                {
                    "type": "snapshot",
                    "subscription": SUBSCRIPTION,
                    "epoch": EPOCH,
                    "seq": self.seq,
                    "part": part,
                    "parts": len(halves),
                    "values": {key: self.values[key] for key in half},
                }
            )

    async def close(self, code: int) -> None:
        assert self._socket is not None
        await self._socket.close(code=code)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    async def _serve(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        path = url.path.removeprefix("/")
        if path.startswith("api/v1/"):
            await self._answer(route, path.removeprefix("api/v1/"), dict(parse_qsl(url.query)))
            return
        file = FOLDER / (path or "index.html")
        await route.fulfill(
            body=file.read_bytes(),
            content_type=TYPES[file.suffix],
            headers={"Content-Security-Policy": POLICY, "Content-Type": TYPES[file.suffix]},
        )

    async def _answer(self, route: Route, path: str, query: Query) -> None:
        name = f"{route.request.method} {path}"
        if self.portal is not None:
            await self._answer_as_portal(route, path)
            return
        self.requests.append((name, route.request.post_data_json if route.request.post_data else None))
        status, content = self.rest.get(name) or NO_PAST[path.split("/", 2)[-1]]
        if callable(content):
            content = content(query)
        headers = {"Retry-After": "7"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        if status == HTTPStatus.NO_CONTENT:
            await route.fulfill(status=status, headers=headers)
        else:
            await route.fulfill(status=status, json=content, headers=headers)

    async def _answer_as_portal(self, route: Route, path: str) -> None:
        if self.portal == "redirect" and path != "portal":
            await route.fulfill(status=302, headers={"Location": f"{self.address}api/v1/portal"})
        else:
            status = HTTPStatus.FORBIDDEN if self.portal == "refusal" else HTTPStatus.OK
            await route.fulfill(status=status, body="<html>Accept our terms</html>", content_type="text/html")

    def _connected(self, socket: WebSocketRoute) -> None:
        self.connections += 1
        if self.refusing:
            socket.on_message(lambda _message: None)
            self._closing = asyncio.ensure_future(socket.close(code=1012))
            return
        self.received = []
        self._socket = socket
        socket.on_message(self._message)
        if self.accepting:
            hello = {"type": "hello", "version": 1, "server_time": NOW, "auth": "required", "unknown": True}
            self.send(hello)

    def _message(self, text: str | bytes) -> None:
        message = json.loads(text)
        self.received.append(message)
        if not self.accepting:
            return
        if message["type"] == "subscribe":
            self._subscribe(message)
        elif message["type"] == "ping" and self.answering_pings:
            self.send({"type": "pong"})

    def _subscribe(self, message: Message) -> None:
        how = self.how if "from" in message else "snapshot"
        held = message.get("from", {"seq": self.seq})
        subscribed = {
            "type": "subscribed",
            "id": message["id"],
            "subscription": SUBSCRIPTION,
            "view": VIEW,
            "how": how,
        }
        self.send({**subscribed, "epoch": EPOCH, "seq": held["seq"], "min_interval_ms": 250})
        if how == "snapshot":
            self.snapshot()
