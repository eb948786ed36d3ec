"""Who is connected to this process by websocket: how many from where and of whom, on which device, and their end.

Rules:

* From an address come at most ``limits.connections_per_address`` connections, those that have not said who they are
  included; of a user at most ``limits.connections_per_user``. The one too many is turned away, the others stay.
* A user has one connection on a device: a new one takes the place of the old (4005), in every process. Within a
  process the later one stays; between processes the one whose notice stands later on the board that all read, so
  that of two at once exactly one stays.
* A login that ends takes its connections with it, in every process.
* Draining: nobody comes in any more. Whoever is there is told, and closed (4201) in a random order, spread evenly
  over the time given, so that not all of them arrive somewhere else at once.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import msgspec

from gateway.domain.access import Login
from gateway.domain.errors import (
    DatabaseUnavailable,
    Draining,
    GatewayError,
    InvalidArgument,
    LimitExceeded,
    RateLimited,
    Unauthenticated,
)
from gateway.domain.figures import Histogram, Tally, limits_tally
from gateway.domain.throttle import network_of
from gateway.protocol.messages import CloseCode, Limits
from gateway.store.notices import DeviceTaken, LoginEnded, Notice

MOST_ENDED_LOGINS = 1_000
RETRY_AFTER_S = 10.0
ENDS = "this process ends; come back"
ACCEPTED = "accepted"
LAG_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 120)
REFUSALS = (RateLimited, Draining, InvalidArgument, Unauthenticated, DatabaseUnavailable)
RFC_CLOSE_CODES = (1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013)

Tell: TypeAlias = Callable[[Notice, Callable[[], bool]], None]
"""Gives a notice to the other processes, unless it is no longer true when its turn comes."""


def moments(count: int, within_s: float, spread: Callable[[], float]) -> Iterator[float]:
    """So many moments from 0 to ``within_s``, in order: a random one in each of as many equal parts."""
    return ((number + spread()) / count * within_s for number in range(count))


class Presence(msgspec.Struct, eq=False):
    """One connection. ``close`` ends it, ``announce`` tells within how many seconds that will be."""

    id: str
    close: Callable[[CloseCode, str], None]
    announce: Callable[[float], None]
    login: Login | None = None
    device: str | None = None
    on_board: bool = False
    """Whether its notice has come round."""


class ConnectionCounts:
    """What became of handshakes and connections.

    ``connects`` has the codes of refusals, ``closes`` close codes: ours as they were sent, of clients those that
    RFC 6455 names, so that nobody makes up new ones. ``limited`` has what was refused because of a limit, ``lag``
    how long, in seconds, pongs were on their way.
    """

    def __init__(self) -> None:
        self.limited = limits_tally()
        self.lag = Histogram(LAG_BOUNDS_S)
        self.connects = Tally((ACCEPTED, *(error.code for error in REFUSALS)))
        self.closes = Tally(str(code) for code in sorted({*CloseCode, *RFC_CLOSE_CODES}))

    def refused(self, error: GatewayError) -> None:
        """A handshake was."""
        self.connects.add(error.code)
        if isinstance(error, LimitExceeded):
            self.limited.add(error.scope)


class Connections:
    """All websocket connections of this process."""

    def __init__(
        self,
        limits: Limits,
        *,
        tell: Tell = lambda _notice, _still_true: None,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.limits = limits
        self.counts = ConnectionCounts()
        self._tell = tell
        self._spread = spread
        self._draining = False
        self._at_address: Counter[str] = Counter()
        self._present: dict[Presence, None] = {}
        self._of_user: dict[int, dict[Presence, None]] = {}
        self._ended_logins: deque[int] = deque(maxlen=MOST_ENDED_LOGINS)
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def __len__(self) -> int:
        return len(self._present)

    def states(self) -> dict[str, int]:
        """How many there are: in their handshake, not (or no longer) known by name, and authenticated."""
        known = sum(len(of_user) for of_user in self._of_user.values())
        opening = sum(self._at_address.values()) - len(self._present)
        return {"opening": opening, "unauthenticated": len(self._present) - known, "authenticated": known}

    # --- coming and going -------------------------------------------------------------------------------------------

    @contextmanager
    def arriving(self, source: str) -> Iterator[None]:
        """Count a connection from that address, from its handshake to its end; raises RateLimited or Draining."""
        self.check_open()
        address, most = network_of(source), self.limits.connections_per_address
        if self._at_address[address] >= most:
            problem = f"at most {most} connections from one address"
            raise RateLimited(problem, scope="address", retry_after_s=RETRY_AFTER_S)
        self._at_address[address] += 1
        try:
            yield
        finally:
            self._at_address[address] -= 1
            if not self._at_address[address]:
                del self._at_address[address]

    def check_open(self) -> None:
        """Raises Draining when nobody comes in any more."""
        if self._draining:
            raise Draining("this process is about to end; come back, to another one", retry_after_s=1.0)

    @contextmanager
    def holding(self, presence: Presence) -> Iterator[None]:
        """The connection is open."""
        self._present[presence] = None
        self._all_gone.clear()
        if self._draining:
            presence.close(CloseCode.DRAINING, ENDS)
        try:
            yield
        finally:
            self._forget(presence)
            del self._present[presence]
            if not self._present:
                self._all_gone.set()

    def admit(self, presence: Presence, login: Login, device: str | None) -> bool:
        """Somebody has said who it is: take the place of the older connection on the device; False: no room."""
        for other in self._on_device(login.user_id, device):
            self._replace(other)
        if len(self._of_user.get(login.user_id, ())) >= self.limits.connections_per_user:
            self.counts.limited.add("user")
            return False
        presence.login, presence.device = login, device
        self._of_user.setdefault(login.user_id, {})[presence] = None
        if device is not None:
            taken = DeviceTaken(user_id=login.user_id, device=device, connection=presence.id)
            self._tell(taken, lambda: presence.login is not None)
        return True

    def _on_device(self, user_id: int, device: str | None) -> list[Presence]:
        of_user = self._of_user.get(user_id, {})
        return [] if device is None else [one for one in of_user if one.device == device]

    def _replace(self, presence: Presence) -> None:
        self._forget(presence)
        presence.close(CloseCode.REPLACED, "another connection has taken the place of this device")

    def _forget(self, presence: Presence) -> None:
        """The connection counts no longer as its user's; it may still be closing."""
        login, presence.login = presence.login, None
        of_user = self._of_user.get(login.user_id) if login is not None else None
        if login is not None and of_user is not None:
            of_user.pop(presence, None)
            if not of_user:
                del self._of_user[login.user_id]

    # --- the end of logins ------------------------------------------------------------------------------------------

    def end_login(self, token_id: int) -> None:
        """The login is over: end its connections, in all processes, also those that are just about to be opened."""
        self._login_ended(token_id)
        self._tell(LoginEnded(token_id=token_id), lambda: True)

    def is_over(self, login: Login) -> bool:
        """Whether the end of the login was told; of all others the database says so when it is asked again."""
        return login.token_id in self._ended_logins

    def _login_ended(self, token_id: int) -> None:
        self._ended_logins.append(token_id)
        for presence in list(self._present):
            if presence.login is not None and presence.login.token_id == token_id:
                presence.close(CloseCode.LOGIN_ENDED, "the login was ended")

    # --- what other processes tell ----------------------------------------------------------------------------------

    def on_notice(self, notice: Notice, own: bool) -> None:
        """A notice from the board, in its order; ``own``: this process wrote it."""
        match notice:
            case LoginEnded():
                self._login_ended(notice.token_id)
            case DeviceTaken():
                for presence in self._on_device(notice.user_id, notice.device):
                    if own:
                        presence.on_board = presence.on_board or presence.id == notice.connection
                    elif presence.on_board:
                        self._replace(presence)

    # --- draining ---------------------------------------------------------------------------------------------------

    async def drain(self, within_s: float, at_once: asyncio.Event) -> None:
        """Send everybody away; returns when all are told or gone. ``at_once`` cuts the time short."""
        self._draining = True
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        leaving = sorted(self._present, key=lambda _: self._spread())
        for presence in leaving:
            presence.announce(within_s)
        for moment_s, presence in zip(moments(len(leaving), within_s, self._spread), leaving, strict=True):
            await self._until(begin_s + moment_s, at_once)
            presence.close(CloseCode.DRAINING, ENDS)

    async def _until(self, moment_s: float, at_once: asyncio.Event) -> None:
        """Wait until then, or until nobody is left to wait for."""
        wait_s = moment_s - asyncio.get_running_loop().time()
        events = (self._all_gone, at_once)
        if wait_s <= 0 or any(event.is_set() for event in events):
            return
        waiting = [asyncio.create_task(event.wait(), name="drain") for event in events]
        try:
            await asyncio.wait(waiting, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def gone(self, within_s: float) -> bool:
        """Wait until nobody is connected; False: somebody still is."""
        try:
            async with asyncio.timeout(within_s):
                await self._all_gone.wait()
        except TimeoutError:
            return False
        return True
