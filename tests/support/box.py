"""Feeds a reader of a dialect and keeps what it says, as the bridge would."""

import json
from collections.abc import Iterable
from typing import Any

from gateway.domain.errors import Unreadable
from gateway.domain.openwb2 import OpenWB2Reader
from gateway.domain.openwb19 import OpenWB19Reader
from gateway.domain.values import JsonValue, Removed
from tests.support.recording import Recorded


class Box:
    """``values``: what has been read so far. Topics stand without the prefix, payloads are given as JSON values.

    It is a 2.x unless another reader is given.
    """

    def __init__(self, *, raw: bool = False, reader: OpenWB19Reader | None = None) -> None:
        self.reader = reader or OpenWB2Reader(raw=raw)
        self.values: dict[str, JsonValue] = {}
        self.unreadable: list[str] = []

    def say(self, topic: str, value: Any) -> dict[str, JsonValue | Removed]:
        """The box publishes a JSON value."""
        return self.write(topic, json.dumps(value).encode())

    def delete(self, topic: str) -> dict[str, JsonValue | Removed]:
        """The box clears a topic."""
        return self.write(topic, b"")

    def write(self, topic: str, payload: bytes) -> dict[str, JsonValue | Removed]:
        """Whatever bytes; raises Unreadable."""
        told = dict(self.reader.read(f"openWB/{topic}", payload))
        for key, value in told.items():
            if isinstance(value, Removed):
                self.values.pop(key, None)
            else:
                self.values[key] = value
        return told

    def play(self, messages: Iterable[Recorded]) -> "Box":
        """What was recorded, with the bridge's patience."""
        for message in messages:
            try:
                self.write(message.topic.removeprefix("openWB/"), message.payload.encode())
            except Unreadable:
                self.unreadable.append(message.topic)
        return self
