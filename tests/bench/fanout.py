"""What a delivered frame costs, and an idle connection: the gateway beside a bare protocol, in one run each."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from tests.bench.table import Row

CLIENTS, CHANGES, EVERY_S, ROUNDS = 500, 200, 0.025, 3
IDLE_CLIENTS = 5_000
IDLE_BUDGET_KB = 30


class Process:
    """A child that answers lines."""

    def __init__(self, *command: str) -> None:
        line = [sys.executable, "-m", *command]
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.to: IO[str] = self.process.stdin
        self.answers: IO[str] = self.process.stdout

    def answer(self) -> str:
        answer = self.answers.readline()
        assert answer, "the process ended"
        return answer

    def ask(self, **request: Any) -> Any:
        self.to.write(json.dumps(request) + "\n")
        self.to.flush()
        return json.loads(self.answer())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.to.close()
        self.answers.close()


@contextmanager
def running(*command: str) -> Iterator[Process]:
    process = Process(*command)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def fan(way: str, loop: str, count: int) -> Iterator[tuple[Process, Process, int]]:
    """The server, its clients, and the server's memory before they came."""
    with running("tests.bench.fanout_server", way, loop) as server:
        port = server.answer().strip()
        # what is only made once, by the first connection
        with running("tests.bench.fanout_clients", port, "10", "bare" if way == "bare" else "gateway") as first:
            first.answer()
        time.sleep(1)
        before = server.ask()["resident_bytes"]
        with running(
            "tests.bench.fanout_clients", port, str(count), "bare" if way == "bare" else "gateway"
        ) as clients:
            assert clients.answer() == "ready\n"
            yield server, clients, before


def cpu_us(way: str, loop: str) -> float:
    """Microseconds of the server's CPU per frame delivered; the least of a few rounds."""
    with fan(way, loop, CLIENTS) as (server, clients, _):
        least = float("inf")
        for _ in range(ROUNDS):
            clients.ask()
            cpu_s = server.ask(changes=CHANGES, every_s=EVERY_S)["cpu_s"]
            time.sleep(0.5)
            delivered = clients.ask()
            assert delivered == CLIENTS * CHANGES, delivered
            least = min(least, cpu_s / delivered * 1e6)
        return least


def idle_kb(way: str, loop: str, count: int) -> float:
    with fan(way, loop, count) as (server, _, before):
        return float(server.ask()["resident_bytes"] - before) / count / 1024


def fanout_rows() -> Iterator[Row]:
    bare = cpu_us("bare", "uvloop")
    frames = cpu_us("frames", "uvloop")
    against = "bare uvloop protocol, ready frame"
    yield Row(f"CPU per delivered frame, {CLIENTS} clients, frames to the transport", "us", frames, against, bare)
    yield Row("the same by ASGI send", "us", cpu_us("send", "uvloop"), "frames to the transport", frames)
    memory = idle_kb("frames", "uvloop", IDLE_CLIENTS)
    yield Row(f"memory per idle connection, {IDLE_CLIENTS} of them", "kB", memory, "budget", IDLE_BUDGET_KB)
