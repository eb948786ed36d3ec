"""What a client hears of events, and what must hold of it, for the hub's model test."""

import json
from typing import Any

from gateway.hub.member import Member, Standing
from gateway.protocol.frames import Frame
from gateway.protocol.messages import EventGap, EventMessage

Numbered = dict[int, tuple[str, int]]
"""By the number of an event: the key that it concerns, and its ``after_seq``."""


class Shown:
    """Looks at what is written to one connection: up to which seq each subscription has been given everything."""

    def __init__(self, happened: Numbered) -> None:
        self._happened = happened
        self._seqs: dict[int, int] = {}
        self.checked = 0

    def written(self, member: Member, one: Frame) -> None:
        message: dict[str, Any] = json.loads(one.text)
        number, seq = message.get("subscription", 0), message.get("seq", 0)
        match message["type"]:
            case "delta":
                self._seqs[number] = max(self._seqs[number], seq)
            case "subscribed":
                self._seqs[number] = 0 if message["how"] == "snapshot" else max(self._seqs.get(number, 0), seq)
            case "snapshot" if message["part"] == message["parts"]:
                self._seqs[number] = seq
            case "reset":
                self._seqs.pop(number, None)
                self._seqs[message["now"]] = 0
            case "event":
                self._event(member, int(message["event_id"].partition("-")[0]))

    def _event(self, member: Member, number: int) -> None:
        """It must not come before what shows it."""
        key, after_seq = self._happened[number]
        for one in member.subscriptions.values():
            if one.standing is not Standing.paused and one.group.matches(key):
                self.checked += 1
                assert self._seqs[one.group.number] >= after_seq


class Ears:
    """One client over all its connections: it goes on behind the last event that it was told."""

    def __init__(self, happened: Numbered, always: Any) -> None:
        self._happened = happened
        self._always = always
        """Which keys may be seen whatever the rights are at present."""
        self.last = 0
        self.heard = 0
        self.gaps = 0
        self._gap = False

    def take(self, message: EventMessage | EventGap) -> None:
        if isinstance(message, EventGap):
            assert int(message.after.partition("-")[0]) >= self.last, "or behind what may not be seen"
            self.gaps += 1
            self._gap = True
            return
        number = int(message.event_id.partition("-")[0])
        assert number > self.last, "once, and in order"
        self._nothing_missing_before(number)
        self.last = number
        self.heard += 1

    def end(self) -> None:
        """It listens, and all is quiet: nothing is missing at the end either."""
        self._nothing_missing_before(len(self._happened) + 1)

    def _nothing_missing_before(self, number: int) -> None:
        between = range(self.last + 1, number)
        missed = [one for one in between if self._always(self._happened[one][0])]
        assert self._gap or not missed
        self._gap = False
