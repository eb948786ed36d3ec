"""Free TCP ports for the parts that tests start."""

import os
import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (32768 and up): a client that knocks again
# and again at a stopped part's port could otherwise be given that very port and end up connected to itself.
LOWEST, HIGHEST = 20_000, 32_000
# A chosen port is free until its part listens, and again while a killed part is down; nobody else may get it then.
# So each worker of pytest-xdist ("gw0", "gw1", …) has a share of its own, and gives no port twice.
SHARES = 16
_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens; chosen at random, so that runs side by side do not meet."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = range(LOWEST + worker % SHARES, HIGHEST, SHARES)
    for _ in range(200):
        port = random.choice(mine)
        if port in _given:
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise RuntimeError(f"no free port between {LOWEST} and {HIGHEST} in 200 tries")
