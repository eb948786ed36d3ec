"""A brake on guessing passwords.

Rules:

* Every attempt counts as failed until it is known to have succeeded; so attempts that run side by side count too.
* The first ``free`` attempts cost nothing; each further one waits twice as long as the one before, up to ``cap_s``.
* Success forgets the pair's failures. Quiet for ``forget_after_s`` forgets them too.
* A counter belongs to a pair of name and source address, and a second, more patient one to the address alone: who
  guesses slows down himself, never the owner at another address.
* At most ``most_remembered`` counters are kept; beyond that the one longest unused goes.
"""

import ipaddress
from collections import OrderedDict

import msgspec

from gateway.domain.errors import RateLimited


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How much a throttle bears."""

    free: int = 5
    free_per_source: int = 20
    base_s: float = 1.0
    cap_s: float = 300.0
    forget_after_s: float = 900.0
    most_remembered: int = 10_000


class Counter(msgspec.Struct):
    """The attempts of one key that failed, as far as is known."""

    failures: int
    last_at_s: float


class Throttle:
    """Pure: the caller says what time it is (monotonic seconds)."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._counters: OrderedDict[tuple[str, str], Counter] = OrderedDict()

    def attempt(self, name: str, source: str, now_s: float) -> None:
        """Count an attempt; raises RateLimited, which counts nothing, when it comes too early."""
        pair, address = _keys(name, source)
        wait_s = max(
            self._wait_s(pair, self._patience.free, now_s),
            self._wait_s(address, self._patience.free_per_source, now_s),
        )
        if wait_s > 0:
            problem = "too many failed attempts from here; wait before the next one"
            raise RateLimited(problem, scope="logins", retry_after_s=wait_s)
        for key in (pair, address):
            self._count(key, now_s)

    def succeeded(self, name: str, source: str) -> None:
        """Forget the pair's failures, and that this attempt counted against its address."""
        pair, address = _keys(name, source)
        self._counters.pop(pair, None)
        self._take_back(address)

    def abandoned(self, name: str, source: str) -> None:
        """Take back an attempt of which nobody could say whether it was right."""
        for key in _keys(name, source):
            self._take_back(key)

    def _wait_s(self, key: tuple[str, str], free: int, now_s: float) -> float:
        counter = self._counters.get(key)
        if counter is None or now_s - counter.last_at_s >= self._patience.forget_after_s:
            return 0.0
        beyond = counter.failures - free
        if beyond < 0:
            return 0.0
        # the exponent is bounded so that no number of attempts overflows
        pause_s = min(self._patience.cap_s, self._patience.base_s * 2.0 ** min(beyond, 64))
        return max(0.0, counter.last_at_s + pause_s - now_s)

    def _take_back(self, key: tuple[str, str]) -> None:
        counter = self._counters.get(key)
        if counter is not None:
            counter.failures = max(0, counter.failures - 1)

    def _count(self, key: tuple[str, str], now_s: float) -> None:
        counter = self._counters.get(key)
        if counter is None or now_s - counter.last_at_s >= self._patience.forget_after_s:
            counter = self._counters[key] = Counter(0, now_s)
        counter.failures += 1
        counter.last_at_s = now_s
        self._counters.move_to_end(key)
        while len(self._counters) > self._patience.most_remembered:
            self._counters.popitem(last=False)


def _keys(name: str, source: str) -> tuple[tuple[str, str], tuple[str, str]]:
    network = network_of(source)
    return (name, network), ("", network)


def network_of(source: str) -> str:
    """The part of an address that one household has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


def is_loopback(source: str) -> bool:
    """Whether a request comes from this very machine; what has no address does not."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_near(source: str) -> bool:
    """Whether a request comes from this machine or its local network.

    A unix socket has no address and is near; a proxy's text that is none is not.
    """
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return not source
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_private or address.is_link_local
