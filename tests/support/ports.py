"""Free TCP ports for the parts that tests start."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (32768 and up): a client that knocks again
# and again at a stopped part's port could otherwise be given that very port and end up connected to itself.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens; chosen at random, so that runs side by side do not meet."""
    for _ in range(200):
        port = random.randint(LOWEST, HIGHEST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {LOWEST} and {HIGHEST} in 200 tries")
