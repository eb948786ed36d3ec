"""A reader of a broker that remembers everything, and the short times of the tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from gateway.mqtt import Broker, Connection, Down, Message
from tests.support.waiting import eventually

SHORT: dict[str, Any] = {
    "client_id": "test",
    "keepalive_s": 1,
    "connect_deadline_s": 2,
    "call_deadline_s": 2,
    "backoff_base_s": 0.02,
    "backoff_cap_s": 0.1,
}


def broker_at(url: str, **different: Any) -> Broker:
    return Broker(url, **{**SHORT, **different})


class Log:
    """A reader of everything, as ``run`` would have it, that remembers what it saw."""

    def __init__(self, broker: Broker, topic: str = "t/#") -> None:
        self.broker = broker
        self.topic = topic
        self.messages: list[Message] = []
        self.downs: list[Down] = []
        self.subscribed = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Log"]:
        task = asyncio.create_task(self.broker.run(self._listen, self._down))
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self, connection: Connection) -> None:
        await connection.subscribe([self.topic])
        self.subscribed += 1
        async for message in connection:
            self.messages.append(message)

    async def _down(self, down: Down) -> None:
        self.downs.append(down)

    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    async def until_subscribed(self, times: int) -> None:
        await eventually(lambda: self.subscribed >= times, what=f"subscribed {times} times")

    async def until_down(self, number: int = 1) -> Down:
        await eventually(lambda: len(self.downs) >= number, what=f"down {number} times")
        return self.downs[number - 1]

    async def until_payload(self, payload: bytes) -> None:
        await eventually(lambda: payload in self.payloads(), what=f"payload {payload!r}")


async def publish(url: str, *messages: tuple[str, str], retain: bool = False) -> None:
    async with broker_at(url, client_id="publisher").connect() as connection:
        for topic, payload in messages:
            await connection.publish(topic, payload, retain=retain, qos=1)
