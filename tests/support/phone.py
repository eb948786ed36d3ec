"""A phone: the reference client in a process of its own, which a test freezes, and whose log it reads.

``python -m tests.support.phone {"url": ..., "base": ..., ...}`` prints a line of JSON for everything that goes over
the wire and for every change of its view. ``PhonePart`` starts it and reads what it printed.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.client import GatewayClient, Subscription, Timing, password_login
from gateway.client_timing import SteadyClock
from tests.support.gateway import PASSWORD, ROOT
from tests.support.process import Part

Line = Mapping[str, Any]
"""``event`` opened, sent, received, closed, view or status; more by event."""


class WrongClock(SteadyClock):
    """A phone whose owner, or network, set it wrong, by ``off_s``; it may be set again at any time."""

    def __init__(self, off_s: float = 0.0) -> None:
        self.off_s = off_s

    def now(self) -> float:
        return time.time() + self.off_s


class Diary:
    """The lines of one phone, however they were got, and how they are counted."""

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        self.lines = list(lines)

    def note(self, event: str, text: str) -> None:
        """For ``GatewayClient``'s log."""
        self.lines.append(said(event, text))

    def look(self, subscription: Subscription) -> None:
        """Note what the view shows now."""
        self.lines.append(seen(subscription))

    def views(self) -> list[Line]:
        return [line for line in self.lines if line["event"] == "view"]

    def shows(self, values: Mapping[str, Any]) -> bool:
        """Whether the last view has exactly these values."""
        views = self.views()
        return bool(views) and views[-1]["values"] == values

    def types(self, event: str) -> list[str]:
        return [line["type"] for line in self.lines if line["event"] == event and "type" in line]

    def round_trips(self, values: Mapping[str, Any], since: int = 0) -> int:
        """How often the phone waited for an answer until it showed these values.

        Counted from the line ``since`` on, or from the last connection after it. What is sent without waiting for
        what came before is one exchange; the server's greeting answers nothing.
        """
        begins = max((at for at, line in enumerate(self.lines) if line["event"] == "opened"), default=0)
        waiting, trips = False, 0
        for line in self.lines[max(begins, since) :]:
            if line["event"] == "sent":
                waiting = True
            elif line["event"] == "received" and waiting and line["type"] != "hello":
                waiting, trips = False, trips + 1
            elif line["event"] == "view" and line["values"] == values:
                return trips
        raise AssertionError(f"never right: {self.lines[-5:]}")


def said(event: str, text: str) -> Line:
    if event not in ("sent", "received"):
        return {"event": event, "code": text}
    message = json.loads(text)
    return {"event": event, "type": message["type"], "how": message.get("how"), "from": message.get("from")}


def seen(subscription: Subscription) -> Line:
    values = {
        key: [reading.value, reading.stale]
        for key, reading in subscription.values.items()
        if not key.startswith("link/")
    }
    return {"event": "view", "values": values, "link": subscription.values["link/state"].value}


class PhonePart(Part):
    """The process; ``diary`` is what it has printed so far."""

    def __init__(self, folder: Path, environ: Mapping[str, str], **given: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "tests.support.phone", json.dumps(given)]
        super().__init__(
            "phone",
            folder,
            words,
            lambda: bool(self.diary().views()),
            environ={**environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )

    def diary(self) -> Diary:
        """Whole lines only: the last one may be half written."""
        whole = self.log.rpartition("\n")[0].splitlines()
        return Diary([json.loads(line) for line in whole if line.startswith("{")])


async def use(given: Mapping[str, Any]) -> None:
    """Show one site, for ever."""

    def tell(line: Line) -> None:
        print(json.dumps(line))

    client = GatewayClient(
        given["url"],
        password_login(given["base"], "admin", PASSWORD),
        device="phone",
        timing=Timing(**given["timing"]),
        log=lambda event, text: tell(said(event, text)),
        on_status=lambda status: tell({"event": "status", "phase": status.phase, "reason": status.reason}),
    )
    async with client:
        subscription = await client.subscribe(given["site"], tuple(given["keys"]))
        async for _ in subscription:
            tell(seen(subscription))


if __name__ == "__main__":
    asyncio.run(use(json.loads(sys.argv[1])))
