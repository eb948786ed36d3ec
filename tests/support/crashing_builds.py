"""Builds in which one service fails a moment after the start, to show that nothing goes on half alive.

``python -m tests.support.crashing_builds NAME web|up`` is the ordinary command line but for that.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.cli.main import main
from gateway.hub.hub import Hub
from gateway.server import GatewayServer
from gateway.services.readiness import Probe
from gateway.store.follow import Follower
from gateway.store.notices import NoticeBoard

WORDS = "a mistake of ours"


def crash_when_told(kind: type[Any], method: str) -> Callable[[], None]:
    """The method runs as always until the file ``crash`` is there, then it fails."""

    def break_it() -> None:
        right = getattr(kind, method)

        async def failing(self: Any, *given: Any, **named: Any) -> None:
            running = asyncio.ensure_future(right(self, *given, **named))
            try:
                while not Path("crash").exists():
                    await asyncio.wait({running}, timeout=0.02)
                raise RuntimeError(WORDS)
            finally:
                running.cancel()

        setattr(kind, method, failing)

    return break_it


CRASHES: dict[str, Callable[[], None]] = {
    "hub": crash_when_told(Hub, "run"),
    "follower": crash_when_told(Follower, "run"),
    "database": crash_when_told(Probe, "run"),
    "notices": crash_when_told(NoticeBoard, "run"),
    "server": crash_when_told(GatewayServer, "main_loop"),
}

if __name__ == "__main__":
    CRASHES[sys.argv.pop(1)]()
    main()
