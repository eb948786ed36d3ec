"""The simulated box, beside the gateway as its site ``demo``, or alone for whoever writes a client.

Alone, standard input takes a fault a line; a thread reads it, because a terminal must not be made non-blocking.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import msgspec
import structlog

from gateway.domain.clock import SystemClock
from gateway.domain.errors import BrokerUnavailable, InvalidArgument, SettingsError
from gateway.mqtt import Broker
from gateway.run.greeting import event, farewell, own_command
from gateway.run.owner import Service, run_until, stop_on_signals
from gateway.run.paint import paint_for
from gateway.settings import Settings
from gateway.simulator.broker import EmbeddedBroker
from gateway.simulator.faults import COMMANDS, usage
from gateway.simulator.openwb import SimulatedOpenwb
from gateway.simulator.scenes import SCENES, Scene
from gateway.simulator.simulation import Dialect
from gateway.version import VERSION

USUAL_SCENE = "pv-day"
USUAL_DIALECT: Dialect = "openwb-2"
USUAL_SPEED = 1.0
LINES_WAITING = 100

log = structlog.get_logger(__name__)


class SimulatedBox(msgspec.Struct, frozen=True):
    """What was started; ``services`` must run."""

    scene: Scene
    url: str
    openwb: SimulatedOpenwb
    services: dict[str, Service]


@asynccontextmanager
async def simulated_box(settings: Settings, *, port: int | None = None) -> AsyncIterator[SimulatedBox]:
    """A simulated openWB behind a broker of its own."""
    scene = SCENES[settings.demo_scene or USUAL_SCENE]
    async with EmbeddedBroker(port=port) as broker:
        openwb = SimulatedOpenwb(
            scene,
            Broker(broker.url, client_id="simulated-openwb"),
            SystemClock(),
            dialect=settings.demo_dialect or USUAL_DIALECT,
            speed=settings.demo_speed or USUAL_SPEED,
        )
        services: dict[str, Service] = {"simulated broker": broker.run, "simulated openWB": openwb.run}
        yield SimulatedBox(scene, broker.url, openwb, services)


async def run_demo(settings: Settings, port: int, faults: Sequence[tuple[float, str]] = ()) -> None:
    """``openwb-gateway demo``: until a signal. ``faults``: seconds after the start, and the line."""
    with stop_on_signals() as stop:
        try:
            async with simulated_box(settings, port=port) as box:
                for after_s, words in faults:
                    box.openwb.later(after_s, words)
                typed = _typed(asyncio.get_running_loop())
                _tell(box, settings)
                await run_until(stop, {**box.services, "commands": lambda: _obey(typed, box.openwb)})
        except BrokerUnavailable as error:
            if "in use" in error.message:
                raise SettingsError(f"--port: {port} is taken, choose another one") from error
            raise
    farewell()


def _typed(loop: asyncio.AbstractEventLoop) -> asyncio.Queue[str]:
    """What comes in at standard input, line by line, no faster than it is taken."""
    typed = asyncio.Queue[str](LINES_WAITING)
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)  # in the background of a terminal there is nothing to read

    def read() -> None:
        # a file of its own instead of sys.stdin, whose lock would make an end in the meantime a crash
        with contextlib.suppress(OSError, RuntimeError), os.fdopen(os.dup(0), errors="replace") as given:
            for line in given:
                asyncio.run_coroutine_threadsafe(typed.put(line), loop).result()

    threading.Thread(target=read, name="standard input", daemon=True).start()
    return typed


async def _obey(typed: asyncio.Queue[str], openwb: SimulatedOpenwb) -> NoReturn:
    while True:
        words = (await typed.get()).strip()
        if not words:
            continue
        try:
            openwb.faults.do(words)
        except InvalidArgument as error:
            print(error.message, file=sys.stderr, flush=True)  # noqa: T201 - to who typed it
        else:
            log.info("fault", words=words)


def _tell(box: SimulatedBox, settings: Settings) -> None:
    """Where it is, and what can be done to it: text on a terminal, JSON elsewhere."""
    dialect, speed = settings.demo_dialect or USUAL_DIALECT, settings.demo_speed or USUAL_SPEED
    if not sys.stdout.isatty():
        event(sys.stdout, "ready", mqtt=box.url, scene=box.scene.name, dialect=dialect, speed=speed, pid=os.getpid())
        return
    paint = paint_for(sys.stdout, os.environ)
    said = [
        "",
        paint(f"openwb-gateway {VERSION}", "bold") + paint(" simulates an openWB", "green"),
        "",
        f"  {paint('mqtt', 'dim')}      {paint(box.url, 'cyan')}",
        f"  {paint('scene', 'dim')}     {box.scene.name}   {paint(box.scene.text, 'dim')}",
        f"  {paint('dialect', 'dim')}   {dialect}{'' if speed == 1 else f', {speed:g} times as fast'}",
        f"  {paint('gateway', 'dim')}   GATEWAY_MQTT_URL={box.url} {own_command()} up",
        f"  {paint('stop', 'dim')}      Ctrl-C",
        "",
        "Type a fault and Enter:",
        *(f"  {usage(name):<34}{paint(command.text, 'dim')}" for name, command in COMMANDS.items()),
        "",
    ]
    print("\n".join(said), flush=True)  # noqa: T201 - to whoever started it
