"""Faults on demand: what boxes, brokers and meters do to who listens to them. No I/O; times are simulated seconds.

Rules:

* A fault is a method, and a line of words: ``silence 30``. All may be combined; one that runs begins anew when it is
  asked for again.
* What a fault made the box say wrong is said right when it ends, as a real box does with its next loops.
* ``garbage`` comes from a generator with a seed: the same run says the same.
"""

import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, get_args

import msgspec

from gateway.domain.errors import InvalidArgument
from gateway.simulator.garbage import garbage
from gateway.simulator.plant.plant import MeterKind, Plant
from gateway.simulator.simulation import Simulation
from gateway.simulator.speech import Distortion, Said

BOOT_DONE: Final = "openWB/system/boot_done"
FAULT_STATES: Final = ("/get/fault_state", "/faultState")
MADE_BY_THE_BOX: Final = ("/get/hierarchy", "/get/connected_vehicle/")
MAY_BE_EMPTY: Final = ("openWB/lp/", "openWB/evu/", "openWB/pv/", "openWB/housebattery/")
IS_OFF_S: Final = 8.0
BOOTS_FOR_S: Final = 3.0


class Kind(msgspec.Struct, frozen=True):
    """What may be written: as a type, and in words."""

    type: Any
    allowed: str


SECONDS: Final = Kind(Annotated[float, msgspec.Meta(gt=0, le=1e6)], "a number above 0")
NUMBER: Final = Kind(Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)], "a number")
METER: Final = Kind(MeterKind, f"one of {', '.join(get_args(MeterKind))}")
ID: Final = Kind(int, "a number")


class Parameter(msgspec.Struct, frozen=True):
    """``usual``: what holds when nothing is given; None: something must be."""

    name: str
    kind: Kind
    usual: str | None = None


class Command(msgspec.Struct, frozen=True):
    """The line of a fault, and what it does, for a person."""

    text: str
    parameters: tuple[Parameter, ...] = ()


COMMANDS: Final[Mapping[str, Command]] = {
    "silence": Command("hangs: says and hears nothing", (Parameter("seconds", SECONDS, "60"),)),
    "disconnect": Command("leaves its broker, and comes back", (Parameter("seconds", SECONDS, "30"),)),
    "restart": Command("off and on: everything retained comes once more, with a warning in every module"),
    "garbage": Command("broken, binary and huge payloads, odd topics", (Parameter("seconds", SECONDS, "10"),)),
    "nulls": Command("no module reads anything: null, on 1.9 nothing", (Parameter("seconds", SECONDS, "20"),)),
    "jump": Command(
        "a meter counts on from somewhere else, with - backwards",
        (Parameter("meter", METER), Parameter("id", ID), Parameter("Wh", NUMBER, "5000")),
    ),
    "swap": Command("a new meter, which begins at 0", (Parameter("meter", METER), Parameter("id", ID))),
    "clock": Command("the box's clock is put forward, with - back", (Parameter("seconds", NUMBER, "3600"),)),
    "refuse": Command("writes change nothing", (Parameter("seconds", SECONDS, "60"),)),
    "late": Command(
        "answers to writes come late", (Parameter("by-seconds", SECONDS, "5"), Parameter("seconds", SECONDS, "60"))
    ),
    "update": Command(
        "becomes the newest 2.x; what the old version retained stays", (Parameter("seconds", SECONDS, "30"),)
    ),
}


class Faults:
    """``away_until_s``: the box has left its broker until then. ``changed`` is called after each fault."""

    def __init__(self, simulation: Simulation, *, seed: int = 0, changed: Callable[[], None] = lambda: None) -> None:
        self.away_until_s = simulation.now_s
        self._simulation = simulation
        self._random = random.Random(seed)
        self._changed = changed
        self._runs: dict[str, int] = {}

    def silence(self, for_s: float = 60) -> None:
        """The box hangs: it says nothing and hears nothing, its broker stands, cars go on charging."""
        self._simulation.hangs = True
        self._lasts("silence", for_s, self._wake)

    def disconnect(self, for_s: float = 30) -> None:
        """The box leaves its broker, lives on, and repeats what is retained when it is back."""
        self.away_until_s = self._simulation.now_s + for_s
        self._changed()

    def garbage(self, for_s: float = 10) -> None:
        """Broken JSON, binary, wrong types, huge payloads, topics with odd ids; the truth comes at the end."""
        self._simulation.speech.blurt(garbage(self._random, self._simulation.speech.planned), self._simulation.now_s)
        self._lasts("garbage", for_s, self._mend)

    def nulls(self, for_s: float = 20) -> None:
        """Everything that a module reads is null (2.x) or empty (1.9)."""
        self._distort("nulls", as_null if self._simulation.dialect != "openwb-1.9" else as_empty, for_s)
        self._simulation.speech.repeat(self._simulation.now_s)

    def jump(self, meter: MeterKind, meter_id: int, by_wh: float = 5_000) -> None:
        """A meter counts on from somewhere else; backwards with a negative number."""
        self._at_meter(lambda plant: plant.jump_meter(meter, meter_id, by_wh))

    def swap(self, meter: MeterKind, meter_id: int) -> None:
        """A meter is exchanged for a new one, which begins at 0."""
        self._at_meter(lambda plant: plant.set_meter(meter, meter_id, 0.0))

    def clock(self, by_s: float = 3_600) -> None:
        """The box's clock is put forward, or back with a negative number; 3600 is what a wrong summer time does."""
        self._simulation.clock_ahead_s += by_s
        self._changed()

    def restart(self) -> None:
        """Off and on: retained replayed as live, boot_done false and true, fault_state 1 for one loop."""
        self._simulation.hangs = True
        self._lasts("silence", IS_OFF_S, self._boot)

    def refuse(self, for_s: float = 60) -> None:
        """Writes are cleared and change nothing."""
        self._simulation.refuses = True
        self._lasts("refuse", for_s, lambda: setattr(self._simulation, "refuses", False))

    def late(self, by_s: float = 5, for_s: float = 60) -> None:
        """Answers to writes come late."""
        self._simulation.echoes_late_s = by_s
        self._lasts("late", for_s, lambda: setattr(self._simulation, "echoes_late_s", 0.0))

    def update(self, takes_s: float = 30) -> None:
        """The box becomes a 2.x at its newest; what the old version left stays retained."""
        if self._simulation.dialect == "openwb-2":
            raise InvalidArgument("the box is an openwb-2 already: only openwb-1.9 and openwb-2.1.7 can be updated")
        self._simulation.hangs = True
        self._lasts("silence", takes_s, self._is_updated)

    def do(self, words: str) -> None:
        """A fault by its line: ``late 5 60``. Raises InvalidArgument, which says what is allowed."""
        name, arguments = read(words)
        getattr(self, name)(*arguments)

    def _at_meter(self, act: Callable[[Plant], None]) -> None:
        try:
            act(self._simulation.plant)
        except ValueError as error:
            raise InvalidArgument(str(error)) from error
        self._changed()

    def _lasts(self, name: str, for_s: float, end: Callable[[], None]) -> None:
        """Have ``end`` done after that time, unless the fault was asked for again."""
        run = self._runs[name] = self._runs.get(name, 0) + 1
        self._simulation.after(for_s, lambda: end() if self._runs[name] == run else None)
        self._changed()

    def _distort(self, name: str, distortion: Distortion, for_s: float) -> None:
        self._simulation.speech.distortions[name] = distortion
        self._lasts(name, for_s, lambda: self._end(name))

    def _end(self, name: str) -> None:
        """Of a distortion; a second boot may have ended it already."""
        self._simulation.speech.distortions.pop(name, None)
        self._mend()

    def _mend(self) -> None:
        self._simulation.speech.mend(self._simulation.now_s)

    def _wake(self) -> None:
        self._simulation.hangs = False

    def _boot(self) -> None:
        self._wake()
        speech, simulation = self._simulation.speech, self._simulation
        speech.distortions["boot"] = not_booted
        speech.distortions["first loop"] = in_fault
        simulation.speech.repeat(simulation.now_s)
        simulation.boot()
        simulation.after(BOOTS_FOR_S, lambda: self._end("boot"))
        # the second of two: the first one is the loop that has the fault
        simulation.before_next_loop(lambda: simulation.before_next_loop(lambda: self._end("first loop")))

    def _is_updated(self) -> None:
        self._wake()
        self._simulation.speak("openwb-2")


def as_null(said: Said) -> Said:
    """What a 2.x says of a module that has read nothing."""
    reads = "/get/" in said.topic and not any(made in said.topic for made in MADE_BY_THE_BOX)
    return Said(said.topic, b"null", said.retain) if reads and said.payload else said


def as_empty(said: Said) -> Said:
    """What a 1.9 says of a meter that it could not read; the broker forgets the topic over it."""
    return Said(said.topic, b"", said.retain) if said.topic.startswith(MAY_BE_EMPTY) else said


def in_fault(said: Said) -> Said:
    """Each module has a warning."""
    return Said(said.topic, b"1", said.retain) if said.topic.endswith(FAULT_STATES) else said


def not_booted(said: Said) -> Said:
    """The box is still on its way up."""
    return Said(said.topic, b"false", said.retain) if said.topic == BOOT_DONE else said


def usage(name: str) -> str:
    """How the line of a fault is written, with what holds else: ``late [by-seconds=5] [seconds=60]``."""
    words = [
        f"<{one.name}>" if one.usual is None else f"[{one.name}={one.usual}]" for one in COMMANDS[name].parameters
    ]
    return " ".join([name, *words])


def read(words: str) -> tuple[str, list[Any]]:
    """The name of a fault and what is given to it. Raises InvalidArgument."""
    name, *given = words.split() or [""]
    if name not in COMMANDS:
        raise InvalidArgument(f"no fault {name!r}: allowed are {', '.join(COMMANDS)}")
    return name, _arguments(name, given)


def _arguments(name: str, given: Sequence[str]) -> list[Any]:
    parameters = COMMANDS[name].parameters
    needed = sum(1 for one in parameters if one.usual is None)
    if not needed <= len(given) <= len(parameters):
        raise InvalidArgument(f"allowed is: {usage(name)}")
    return [_argument(name, parameter, text) for parameter, text in zip(parameters, given, strict=False)]


def _argument(name: str, parameter: Parameter, text: str) -> Any:
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.convert(text, parameter.kind.type, strict=False)
    raise InvalidArgument(f"{name}: {parameter.name} is {parameter.kind.allowed}, not {text!r}")
