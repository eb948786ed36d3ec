"""Plant, box and voice on one line of time, without I/O: what the simulated openWB does when.

Rules; times are seconds of the simulated clock:

* Slots, not sleeps: a control loop runs at the start of each interval, a heartbeat comes every ten seconds. Whoever
  is late does not move the next slot.
* The first loops and heartbeats come sooner, so that who has just connected need not wait ten seconds for a sign of
  life. Only one distance between loops is shorter, because 1.9 shows its interval by the median of them.
* The box's clock is the plant's, and what a fault, or the machine's own clock, has put it forward or back.
* ``advance`` does what is due, in order, and gives what is to be published.
"""

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from gateway.simulator.box import Box
from gateway.simulator.plant.plant import Plant
from gateway.simulator.speech import Said, Speech
from gateway.simulator.words import Outgoing, Readings, Voice

Dialect: TypeAlias = Literal["openwb-2", "openwb-2.1.7", "openwb-1.9"]
DIALECTS: Final = get_args(Dialect)

FIRST_LOOPS_S: Final = (1.0, 3.0)
FIRST_HEARTBEATS_S: Final = (0.8, 1.8, 2.8, 4.8)
HEARTBEAT_EVERY_S: Final = 10.0
REGULAR_HEARTBEATS_FROM_S: Final = 11.4  # the real ones come one to two seconds before the loops


class Simulation:
    """One simulated openWB. ``now_s`` is how far it has been run; actions count from there.

    ``make_voice`` gives the voice of a dialect; an update takes another one.
    """

    def __init__(
        self, plant: Plant, box: Box, make_voice: Callable[[Dialect], Voice], dialect: Dialect, time_s: float
    ) -> None:
        self.plant = plant
        self.box = box
        self.voice = make_voice(dialect)
        self.dialect: Dialect = dialect
        self.speech = Speech()
        self.now_s = self.began_s = time_s
        self.clock_ahead_s = 0.0
        self.echoes_late_s = 0.0
        self.hangs = self.refuses = False
        self._when_looped: list[Callable[[], None]] = []
        self._make_voice = make_voice
        self._stepped_to_s = time_s
        self._actions: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._start()

    @property
    def box_time_s(self) -> float:
        """What the box's clock says."""
        return self.now_s + self.clock_ahead_s

    @property
    def next_due_s(self) -> float:
        """When something is to be done or said; loops never end."""
        speech_due_s = self.speech.next_due_s
        action_due_s = self._actions[0][0]
        return action_due_s if speech_due_s is None else min(action_due_s, speech_due_s)

    def advance(self, to_s: float) -> Iterator[Said]:
        """Do what is due until then, and give what is to be published; take it all."""
        while (due_s := self.next_due_s) <= to_s:
            self.now_s = max(self.now_s, due_s)
            if due_s == self.speech.next_due_s:
                yield self.speech.take()
            else:
                _, _, act = heapq.heappop(self._actions)
                act()
        self.now_s = max(self.now_s, to_s)

    def hear(self, topic: str, payload: bytes) -> None:
        """Another client, or an echo of the box's own words, at this moment."""
        if self.hangs:
            return
        if self.refuses:
            if payload:
                self.speech.say([Outgoing(topic, "")], self.now_s)
            return
        self.speech.say(self.voice.heard(topic, payload, self.box_time_s), self.now_s + self.echoes_late_s)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something done so much later."""
        heapq.heappush(self._actions, (self.now_s + seconds, next(self._numbers), act))

    def before_next_loop(self, act: Callable[[], None]) -> None:
        """Have something done when the next control loop begins that the box does not miss."""
        self._when_looped.append(act)

    def wait(self, to_s: float) -> None:
        """Let time pass in which nothing is due."""
        self.now_s = max(self.now_s, min(to_s, self.next_due_s))

    def boot(self) -> None:
        """Say everything that is retained after a start of the box."""
        self.speech.say(self.voice.boot(self.box_time_s), self.now_s)

    def speak(self, dialect: Dialect) -> None:
        """Go on in another dialect: what was retained in the old one stays."""
        self.dialect = dialect
        self.voice = self._make_voice(dialect)
        self.boot()

    def _start(self) -> None:
        readings = self._step_plant()
        happenings = self.box.loop(readings)
        self.boot()
        self.speech.say(self.voice.loop(readings, happenings), self.now_s)
        for seconds in FIRST_LOOPS_S[:-1]:
            self.after(seconds, self._loop)
        self.after(FIRST_LOOPS_S[-1], self._regular_loop)
        for seconds in FIRST_HEARTBEATS_S:
            self.after(seconds, self._heartbeat)
        self.after(REGULAR_HEARTBEATS_FROM_S, self._regular_heartbeat)

    def _regular_loop(self) -> None:
        self._loop()
        self.after(self.box.state.control_interval_s, self._regular_loop)

    def _regular_heartbeat(self) -> None:
        self._heartbeat()
        self.after(HEARTBEAT_EVERY_S, self._regular_heartbeat)

    def _loop(self) -> None:
        readings = self._step_plant()
        if self.hangs:
            return
        acts, self._when_looped = self._when_looped, []
        for act in acts:
            act()
        self.speech.say(self.voice.loop(readings, self.box.loop(readings)), self.now_s)

    def _heartbeat(self) -> None:
        if not self.hangs:
            self.speech.say(self.voice.heartbeat(self.box_time_s), self.now_s)

    def _step_plant(self) -> Readings:
        """What the box reads now: people, cars and sun do not wait for it."""
        readings = self.plant.step(self.now_s - self._stepped_to_s, self.box.set_points)
        self._stepped_to_s = self.now_s
        return msgspec.structs.replace(readings, time_s=readings.time_s + self.clock_ahead_s)
