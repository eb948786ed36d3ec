"""The baselines of ingest, each a process of its own: aiomqtt as its README has it, and nothing of ours.

* ``read``: reads messages and counts them.
* ``store``: also puts them into Redis, all that have come meanwhile at once: XADD and HSET in one MULTI.

Arguments: which, the broker's port, Redis's URL. It says ``ready`` when subscribed, then answers each line of its
input with how many messages it has done.
"""

import asyncio
import json
import sys
from typing import Any

import aiomqtt
import msgspec
from redis.asyncio import Redis


class Reader:
    """``done`` messages of one connection."""

    def __init__(self, redis: "Redis | None") -> None:
        self.redis = redis
        self.done = 0
        self.waiting: dict[Any, Any] = {}
        self.arrived = asyncio.Event()

    async def read(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if self.redis is None:
                self.done += 1
            else:
                self.waiting[message.topic.value] = message.payload
                self.arrived.set()

    async def store(self) -> None:
        while self.redis is not None:
            await self.arrived.wait()
            self.arrived.clear()
            changes, self.waiting = self.waiting, {}
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.xadd("changes", {"set": msgspec.msgpack.encode(changes)}, maxlen=20_000)
                pipe.hset("latest", mapping=changes)
                await pipe.execute()
            self.done += len(changes)


async def main(kind: str, port: int, url: str) -> None:
    reader = Reader(Redis.from_url(url) if kind == "store" else None)
    async with aiomqtt.Client("127.0.0.1", port) as client, asyncio.TaskGroup() as group:
        await client.subscribe("openWB/#")
        tasks = [group.create_task(reader.read(client)), group.create_task(reader.store())]
        print(json.dumps("ready"), flush=True)
        while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            print(reader.done, flush=True)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
