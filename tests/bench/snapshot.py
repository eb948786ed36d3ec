"""A crowd that comes at once: how often a snapshot is encoded for it. A count, and no time."""

import msgspec

from tests.bench.table import Budget, Figure, Row
from tests.bench.world import Cores, world
from tests.support.server import TOKEN


class Size(msgspec.Struct, frozen=True):
    clients: int = 1_000
    values: int = 500
    views: int = 4


async def rows(size: Size, cores: Cores) -> list[Row]:
    async with world(cores) as made:
        server = await made.program("hub_server", "frames", size.values, under_test=True)
        port = await server.answer()
        load = await made.clients(size.clients, port=port, kind="gateway", token=TOKEN, keys=("#",), views=size.views)
        counted = await server.ask()
        messages = (await load.counted()).messages
        # hello, authenticated, subscribed; the rest are parts of snapshots
        delivered = messages - 3 * size.clients
        parts = delivered / size.clients
        what = f"encodings of a snapshot of {size.values} values for {size.clients} clients"
        ours = Figure.of(counted["encoded"] / parts / counted["groups"])
        everybody = Figure.of(delivered / parts / counted["groups"])
        return [Row(what, "1 a view", ours, "once for each client", everybody, Budget(1))]
