"""``up`` at rest: the simulated openWB, the embedded parts, nobody connected. What it takes, and what it writes.

The baselines are what it cannot do without: an interpreter that has imported the same packages and does nothing, with
an empty Valkey; and the changed values as they stand in the stream, without a page or a frame around them.
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Redis

from tests.bench.measure import cpu_s, family, proportional_bytes, written_bytes
from tests.bench.table import Budget, Figure, Row
from tests.bench.world import Cores, World, world
from tests.support.gateway import GatewayPart
from tests.support.parts import valkey_server

DAY_S = 86_400
MEGABYTE = 1e6


class Size(msgspec.Struct, frozen=True):
    """``pieces`` of ``seconds`` each, after the start has settled."""

    settle_s: float = 20
    seconds: float = 120
    pieces: int = 3


async def floor_bytes(made: World) -> float:
    idle = await made.program("idle", under_test=True)
    await idle.answer()
    valkey = valkey_server(made.place())
    await made.part(valkey)
    return float(proportional_bytes(idle.pid) + proportional_bytes(valkey.pid))


async def stream_bytes(data_dir: Path) -> int:
    """What the values in the changes stream take in all, as packed."""
    redis = Redis(unix_socket_path=str(next(data_dir.rglob("valkey.sock"))))
    total = 0
    entries: Any = await redis.xrange("{demo}:changes")
    for _, fields in entries:
        total += sum(len(field) for field in fields.values())
    await redis.aclose()
    return total


async def rows(size: Size, cores: Cores) -> list[Row]:
    everywhere = Cores(cores.server | cores.load, cores.server | cores.load)
    async with world(everywhere) as made:
        floor = await floor_bytes(made)
        up = GatewayPart("up", made.place())
        await made.part(up)
        await asyncio.sleep(size.settle_s)
        packed, memory, cpu = [], [], []
        first_bytes, _ = await totals(up)
        for _ in range(size.pieces):
            (_, began_s), began_bytes = await totals(up), await stream_bytes(up.folder / "data")
            await asyncio.sleep(size.seconds)
            (last_bytes, ended_s), ended_bytes = await totals(up), await stream_bytes(up.folder / "data")
            packed.append(max(1, ended_bytes - began_bytes) / size.seconds * DAY_S / MEGABYTE)
            cpu.append((ended_s - began_s) / size.seconds * 100)
            memory.append(sum(map(proportional_bytes, family(up.pid))) / MEGABYTE)
        # over the whole time: the recorder writes every few minutes, and most pieces would have none of that
        written = (last_bytes - first_bytes) / (size.seconds * size.pieces) * DAY_S / MEGABYTE
    values, alone = "changed values as packed", "imports alone, and an empty Valkey"
    return [
        Row(
            "`up` at rest: memory of all processes (PSS)",
            "MB",
            Figure.of(*memory),
            alone,
            Figure.of(floor / MEGABYTE),
            Budget(160),
        ),
        Row("`up` at rest: written to disk", "MB/day", Figure.of(written), values, Figure.of(*packed), Budget(300)),
        Row("`up` at rest: CPU", "% of a core", Figure.of(*cpu), "one core", Figure.of(100)),
    ]


async def totals(up: GatewayPart) -> tuple[float, float]:
    pids = family(up.pid)
    return sum(map(written_bytes, pids)), cpu_s(*pids)
