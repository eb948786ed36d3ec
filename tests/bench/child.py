"""A program of the bench in a process of its own, which answers lines of JSON."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

# not set from outside while it starts: others may be starting meanwhile
ON_CORES = """
import os, sys
os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
ANSWER_S = 300
LINE_BYTES = 1 << 24


class Child:
    """Made by ``running``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def answer(self) -> Any:
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_S):
            line = await self._process.stdout.readline()
        assert line, f"{self.pid} ended"
        return json.loads(line)

    async def ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return await self.answer()


@asynccontextmanager
async def running(module: str, *words: object, cores: frozenset[int]) -> AsyncIterator[Child]:
    """``python -m tests.bench.<module>``, ended on leaving; it ends by itself when its input does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", ON_CORES, ",".join(map(str, sorted(cores)))),
        *("-m", f"tests.bench.{module}", *map(str, words)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    try:
        yield Child(process)
    finally:
        process.kill()
        await process.communicate()
