"""The independent subscriber: logs what the broker delivers, in order.

It shares nothing with the gateway: paho's own client in paho's own thread, one subscription, no filter. What it logs
is the truth against which the oracle judges. Broker connections of one publisher's messages keep its order, so every
other subscriber gets the same messages in the same order, the retained replay at its start apart.
"""

import threading
import time
import uuid
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.oracle_logs import Break, BrokerLog, Delivered

RECONNECT_S = 0.05


class Subscriber:
    """Logs every message below ``topic`` to ``log``; reconnects by itself and marks each return with a Break.

    ``ready`` is true from the broker's answer to the subscription until the connection is lost. Beware that the
    retained replay may still be under way then.
    """

    def __init__(self, url: str, topic: str = "openWB/#") -> None:
        self.log: BrokerLog = []
        self.last_at_s = 0.0
        self._address = urlsplit(url)
        self._topic = topic
        self._ready = threading.Event()
        self._connections = 0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"oracle-{uuid.uuid4().hex[:8]}")
        self._client.reconnect_delay_set(min_delay=RECONNECT_S, max_delay=RECONNECT_S)  # type: ignore[arg-type] # s
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._delivered

    def __enter__(self) -> Self:
        self._client.connect(self._address.hostname or "", self._address.port or 1883, keepalive=10)
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def ready(self) -> bool:
        return self._ready.is_set()

    def quiet_for(self, seconds: float) -> bool:
        """Whether the broker delivered nothing for so long."""
        return self.ready and time.monotonic() - self.last_at_s >= seconds

    def _connected(self, *_: Any) -> None:
        self._connections += 1
        if self._connections > 1:
            self.log.append(Break())
        self._client.subscribe(self._topic, qos=0)

    def _subscribed(self, *_: Any) -> None:
        self.last_at_s = time.monotonic()
        self._ready.set()

    def _disconnected(self, *_: Any) -> None:
        self._ready.clear()

    def _delivered(self, _client: Any, _userdata: Any, message: Any) -> None:
        self.last_at_s = time.monotonic()
        self.log.append(Delivered(message.topic, message.payload, bool(message.retain)))
