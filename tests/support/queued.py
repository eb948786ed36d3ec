"""Samples for a queue, from one who has just asked where it stands."""

from gateway.domain.slots import Sample
from gateway.store.samples import AppendAnswer, SampleQueue


async def append(queue: SampleQueue, site: str, sample: Sample) -> AppendAnswer:
    last = await queue.last(site)
    return await queue.append(site, sample, after=None if last is None else last.slot)
