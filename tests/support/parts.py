"""The real parts that tests start for themselves: on free ports, with their files in a temporary folder.

Each is an async context manager that is ready inside and killed at the end; see ``process.py`` for kill, stop, start,
freeze and thaw. None of them belongs to an event loop, so a part may outlive the loop in which it was started.
"""

from tests.support.broker import Certificate, MosquittoPart, mosquitto, self_signed
from tests.support.browser import chromium, chromium_path
from tests.support.database import MariaPart, mariadb
from tests.support.ports import free_port
from tests.support.process import Part, accepts, program
from tests.support.proxy import nginx
from tests.support.stores import RedisPart, redis_server, valkey_binary, valkey_server

__all__ = [
    "Certificate",
    "MariaPart",
    "MosquittoPart",
    "Part",
    "RedisPart",
    "accepts",
    "chromium",
    "chromium_path",
    "free_port",
    "mariadb",
    "mosquitto",
    "nginx",
    "program",
    "redis_server",
    "self_signed",
    "valkey_binary",
    "valkey_server",
]
