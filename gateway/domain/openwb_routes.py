"""Which mapped topic a box's topic is, remembered for each topic of a connection, whatever the dialect."""

from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from gateway.domain.openwb2_ignored import why

DEFAULT_PREFIX: Final = "openWB/"
MOST_ROUTES: Final = 10_000

Route = TypeVar("Route")


class Routes(Generic[Route]):
    """The route of each topic (without prefix), worked out once; at ``MOST_ROUTES`` of them all are forgotten."""

    def __init__(self, find: Callable[[str], Route | None]) -> None:
        self._find = find
        self._found: dict[str, Route | None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def of(self, topic: str) -> Route | None:
        """The topic's route, or None when it gives no value."""
        if topic not in self._found:
            if len(self._found) >= MOST_ROUTES:
                self._found.clear()
            self._found[topic] = self._find(topic)
        return self._found[topic]


def reason(
    topic: str, prefix: str, find: Callable[[str], object | None], ignored: Iterable[tuple[str, str]]
) -> str | None:
    """Why a topic gives no value, or None if ``find`` has a route for it, or if it is unknown."""
    if not topic.startswith(prefix):
        return "outside of the box's prefix"
    topic = topic.removeprefix(prefix)
    return None if find(topic) else why(ignored, topic)
