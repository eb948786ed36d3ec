"""The gateway as its user starts it: ``python -m gateway <command>`` in a process of its own."""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.process import Part
from tests.support.stores import RedisPart

ROOT = Path(__file__).parents[2]
PASSWORD = "correct-horse-battery"
# tests are many, from one address, as one user, and in a hurry
MANY = {
    "limit_connections_per_address": 20_000,
    "limit_connections_per_user": 20_000,
    "limit_groups_per_user": 20_000,
    "limit_subscribe_burst": 20_000,
    "auth_deadline_s": 60,  # how busy the machine is must not count
}
PORTLESS = ("bridge", "recorder")
INHERITED = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START", "COVERAGE_FILE", "COVERAGE_PROCESS_CONFIG")


def stores_in(folder: Path, redis: RedisPart, mqtt_url: str = "mqtt://127.0.0.1:1") -> dict[str, object]:
    """What several parts of one gateway are told alike; without an MQTT URL no box is there."""
    return {
        "redis_url": redis.url,
        "database_url": f"sqlite+aiosqlite:///{folder}/gateway.db",
        "mqtt_url": mqtt_url,
    }


class GatewayPart(Part):
    """One gateway process; settings are given without their GATEWAY_ prefix, in lower case.

    ``module`` is what runs instead of the gateway's own command line.
    """

    def __init__(
        self, command: str, folder: Path, *, port: int | None = None, module: str = "gateway", **settings: object
    ) -> None:
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        given = {"port": self.port, "data_dir": folder / "data", "admin_password": PASSWORD, **settings}
        if command not in PORTLESS:
            given = {**MANY, **given}
        super().__init__(
            command,
            folder,
            [sys.executable, "-m", module, command],
            self._ready_of(command, bool(given["admin_password"])),
            environ={
                **{name: os.environ[name] for name in INHERITED if name in os.environ},
                "PYTHONPATH": str(ROOT),
                **{f"GATEWAY_{name.upper()}": str(value) for name, value in given.items() if value is not None},
            },
        )

    def _ready_of(self, command: str, has_password: bool) -> Callable[[], bool]:
        if command in PORTLESS:
            return lambda: True
        return self._lets_in if has_password else self._answers

    def _answers(self) -> bool:
        try:
            return self.get("/health/live")[0] == 200
        except OSError:
            return False

    def _lets_in(self) -> bool:
        try:
            return bool(self.log_in())
        except (OSError, KeyError):
            return False

    def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """Status and decoded body of a GET."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return _answer(urllib.request.Request(self.base + path, headers=headers))

    def post(self, path: str, body: object, token: str | None = None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        return _answer(urllib.request.Request(self.base + path, json.dumps(body).encode(), headers))

    def log_in(self, password: str = PASSWORD) -> str:
        """A token."""
        return str(self.post("/api/v1/auth/login", {"name": "admin", "password": password})[1]["token"])

    def part(self, name: str) -> str:
        """The state of a part as ``/health/ready`` has it."""
        states = {part["name"]: part["state"] for part in self.get("/health/ready")[1]["parts"]}
        return str(states.get(name))


def set_up_link(log: str) -> str:
    """The newest link for the first password that a gateway printed; empty: none."""
    links: list[str] = re.findall(r"https?://[^\s\"]+/#setup=[\w-]+", log)
    return links[-1] if links else ""


def _answer(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        with error:
            body = error.read()
            return error.code, json.loads(body) if body else None
