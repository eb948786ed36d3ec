"""The ordinary command line, which at SIGUSR1 prints how many frames each of its groups has encoded so far."""

import json
import signal
from types import FrameType
from typing import Any

from gateway.cli.main import main
from gateway.hub.hub import Hub

HUBS: list[Hub] = []


def count_hubs() -> None:
    right = Hub.__init__

    def init(self: Hub, *args: Any, **more: Any) -> None:
        right(self, *args, **more)
        HUBS.append(self)

    Hub.__init__ = init  # type: ignore[method-assign] # this is what counting means


def tell(_number: int, _frame: FrameType | None) -> None:
    groups = [group for hub in HUBS for site in hub._sites.values() for group in site.groups.values()]
    print(json.dumps({"encoded": [group.encoded for group in groups]}), flush=True)


if __name__ == "__main__":
    count_hubs()
    signal.signal(signal.SIGUSR1, tell)
    main()
