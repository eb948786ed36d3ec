"""A connection's far end for tests of the hub: frames wait until the test lets them arrive."""

from collections import deque
from collections.abc import Callable
from typing import Any

from gateway.protocol.frames import Frame
from gateway.protocol.messages import (
    DeltaMessage,
    Error,
    Reset,
    ServerMessage,
    ServerMessageReader,
    SnapshotPart,
    Subscribed,
    Unsubscribed,
)
from gateway.protocol.view import View


class HeldSink:
    """A ``Sink`` whose bytes stay unacknowledged until ``deliver``."""

    def __init__(self, full_bytes: int) -> None:
        self.on_drained: Callable[[], None] = lambda: None
        self._full_bytes = full_bytes
        self.waiting: deque[Frame] = deque()
        self.written: list[Frame] = []

    @property
    def unacknowledged(self) -> int:
        return sum(len(one) for one in self.waiting)

    @property
    def full(self) -> bool:
        return self.unacknowledged >= self._full_bytes

    def write(self, one: Frame) -> None:
        self.waiting.append(one)
        self.written.append(one)

    def deliver(self, most: int | None = None) -> list[Any]:
        """Let that many frames arrive, all if None; ``on_drained`` follows when nothing is under way any more."""
        reader = ServerMessageReader()
        arrived: list[Any] = []
        while self.waiting and (most is None or len(arrived) < most):
            message = reader.read(self.waiting.popleft().payload)
            assert message is not None
            arrived.append(message)
        if not self.waiting:
            self.on_drained()
        return arrived

    def all(self) -> list[Any]:
        """Deliver until nothing more comes."""
        arrived: list[Any] = []
        while more := self.deliver():
            arrived += more
        return arrived


class Far:
    """A client's views by subscription number, fed with everything that arrives."""

    def __init__(self) -> None:
        self.views: dict[int, View] = {}
        self.asked: dict[int, View | int] = {}
        """By request: the view of a ``subscribe``, the number an ``update`` is about."""
        self.errors: list[Error] = []

    def take(self, message: ServerMessage) -> View | None:
        """Apply by the rules of the protocol; the view that reached a new position."""
        match message:
            case Subscribed():
                asked = self.asked.pop(message.id)
                view = self.views.pop(asked) if isinstance(asked, int) else asked
                if message.how == "unchanged":
                    view = self.views.get(message.subscription, view)
                view.subscribed(message)
                self.views[message.subscription] = view
            case Unsubscribed():
                self.views.pop(message.subscription, None)
            case Reset():
                view = self.views.pop(message.subscription)
                self.views[view.reset(message)] = view
            case SnapshotPart():
                view = self.views[message.subscription]
                assert view.position is None, "a snapshot voids what was held only after subscribed or reset said so"
                return None if view.snapshot(message) is None else view
            case DeltaMessage():
                view = self.views[message.subscription]
                return None if view.delta(message) is None else view
            case Error():
                self.errors.append(message)
                if message.id is not None:
                    self.asked.pop(message.id, None)
        return None
