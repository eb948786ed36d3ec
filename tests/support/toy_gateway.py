"""A gateway of a few lines that writes the logs a right gateway's clients would have: input for testing the oracle.

It reads topics as keys and payloads as JSON (empty: the key ceases), gives every ingested batch the next seq, and
sends each subscription the merged delta since its position when asked to. Tests break it on purpose.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.oracle import Report, judge
from tests.support.oracle_logs import (
    BrokerLog,
    ClientLog,
    Closed,
    Dead,
    Delivered,
    Loss,
    Message,
    Opened,
    Received,
    Sent,
)
from tests.support.oracle_readings import matches

CEASED = object()
LINK = {"link/state": "connecting", "link/reason": None, "link/since": 1.0, "link/dialect": "openwb-2"}


def read(topic: str, payload: bytes) -> Mapping[str, Any]:
    """The toy catalogue: the topic is the key."""
    return {topic: json.loads(payload) if payload else CEASED}


class ToyGateway:
    """Broker, bridge, store and hub in one."""

    def __init__(self, epoch: str = "e1") -> None:
        self.log: BrokerLog = []
        self.epoch = epoch
        self.seq = 100
        self.entries: dict[str, Any] = {key: [value, 1.0] for key, value in LINK.items()}
        self.changed: dict[str, int] = dict.fromkeys(LINK, 100)
        self.now_s = 0.0

    def publish(self, **values: Any) -> None:
        """One message per key, ingested as one batch; ``__`` in a name stands for ``/``, CEASED takes a key away."""
        self.ingest({name.replace("__", "/"): value for name, value in values.items()})

    def ingest(self, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            self.log.append(Delivered(key, b"" if value is CEASED else json.dumps(value).encode()))
        self.set(values)

    def set(self, values: Mapping[str, Any]) -> None:
        self.seq += 1
        self.now_s += 0.1
        for key, value in values.items():
            self.changed[key] = self.seq
            if value is CEASED:
                self.entries.pop(key, None)
            else:
                self.entries[key] = [value, round(self.now_s, 3)]

    def link(self, state: str) -> None:
        self.set({"link/state": state})

    def flag(self, *keys: str, live: bool = False) -> None:
        """At the newest position these are stale, or live again."""
        self.entries.update({key: [*self.entries[key][:2], *([] if live else ["stale"])] for key in keys})
        self.changed.update(dict.fromkeys(keys, self.seq))

    def new_epoch(self, epoch: str) -> None:
        self.epoch, self.seq = epoch, self.seq + 1_000_000
        self.changed = dict.fromkeys(self.entries, self.seq)

    def values(self, patterns: Iterable[str], after: int = -1) -> dict[str, Any]:
        wanted = ["link/#", *patterns]
        return {
            key: self.entries.get(key)
            for key, seq in self.changed.items()
            if seq > after and (after >= 0 or key in self.entries) and any(matches(one, key) for one in wanted)
        }


class ToyClient:
    """One client of the toy, with one log; each of its subscriptions is a number."""

    def __init__(self, gateway: ToyGateway, name: str = "client") -> None:
        self.gateway = gateway
        self.log = ClientLog(name)
        self.held: dict[int, int] = {}
        self.patterns: dict[int, tuple[str, ...]] = {}
        self._ids = 0
        self.connect()

    def connect(self) -> None:
        self.log.events.append(Opened(self.gateway.now_s))
        self.log.survives = True

    def disconnect(self) -> None:
        self.log.events.append(Closed(self.gateway.now_s))
        self.log.survives = False

    def sent(self, **message: Any) -> int:
        self._ids += 1
        self.log.events.append(Sent(self.gateway.now_s, {"id": self._ids, **message}))
        return self._ids

    def received(self, **message: Any) -> None:
        self.log.events.append(Received(self.gateway.now_s, message))

    def subscribe(self, *patterns: str, number: int = 7, parts: int = 1) -> None:
        asked = self.sent(type="subscribe", keys=list(patterns))
        self.patterns[number] = patterns
        self.subscribed(asked, number, "snapshot")
        self.snapshot(number, parts)

    def update(self, old: int, number: int, *patterns: str) -> None:
        asked = self.sent(type="update", subscription=old, keys=list(patterns))
        self.patterns[number] = patterns
        self.subscribed(asked, number, "snapshot")
        self.snapshot(number)

    def resume(self, number: int = 7, *, seq: int | None = None) -> None:
        """Resume from the held position, or from another ``seq``, and get what came since."""
        patterns = self.patterns[number]
        start = self.held[number] if seq is None else seq
        origin = {"epoch": self.gateway.epoch, "seq": start, "view": ",".join(patterns)}
        asked = self.sent(type="subscribe", keys=list(patterns), **{"from": origin})
        self.subscribed(asked, number, "resumed")
        self.delta(number)

    def subscribed(self, asked: int, number: int, how: str) -> None:
        gateway = self.gateway
        place = {"epoch": gateway.epoch, "seq": gateway.seq, "view": ",".join(self.patterns[number])}
        self.received(type="subscribed", id=asked, subscription=number, how=how, **place)

    def snapshot(self, number: int = 7, parts: int = 1) -> None:
        items = list(self.gateway.values(self.patterns[number]).items())
        for part in range(1, parts + 1):
            self.snapshot_part(number, part, parts, dict(items[part - 1 :: parts]))
        self.held[number] = self.gateway.seq

    def snapshot_part(self, number: int, part: int, parts: int, values: Message) -> None:
        place = {"epoch": self.gateway.epoch, "seq": self.gateway.seq, "part": part, "parts": parts}
        self.received(type="snapshot", subscription=number, values=values, **place)

    def delta(self, number: int = 7, *, without: str | None = None, **instead: Any) -> None:
        """What changed since the held position, but for what the test spoils: a key ``without``, values instead."""
        values = self.gateway.values(self.patterns[number], self.held[number])
        values.pop(without or "", None)
        values.update({name.replace("__", "/"): entry for name, entry in instead.items()})
        self.raw_delta(number, self.held[number], self.gateway.seq, values)
        self.held[number] = self.gateway.seq

    def raw_delta(self, number: int, start: int, seq: int, values: Message) -> None:
        self.received(type="delta", subscription=number, values=values, seq=seq, **{"from": start})


def live(**values: Any) -> ToyGateway:
    """A gateway whose link is up."""
    gateway = ToyGateway()
    gateway.publish(**(values or {"a": 1, "b": 1}))
    gateway.link("up")
    return gateway


def toy_rests_on(key: str) -> tuple[str, ...]:
    """A unit's fault state is ``<unit>/fault_state``; the sum rests on all of them."""
    return ("+/fault_state",) if key == "sum" else (f"{key.partition('/')[0]}/fault_state",)


def verdict(
    *clients: ToyClient,
    auditor: ToyClient | None = None,
    losses: tuple[Loss, ...] = (),
    dead: tuple[Dead, ...] = (),
) -> Report:
    """What the oracle says of the clients of one toy."""
    gateway = clients[0].gateway
    logs = [client.log for client in clients]
    audit = auditor.log if auditor else None
    return judge(
        gateway.log, read, logs, ceased=CEASED, auditor=audit, losses=losses, dead=dead, rests_on=toy_rests_on
    )


def only(report: Report, kind: str) -> None:
    """There were faults, and all of this kind."""
    assert report.kinds == {kind}, str(report)
