"""From where somebody left off to where a follower begins, without a hole."""

from gateway.domain.values import Delta, Position
from gateway.store.follow import judge
from gateway.store.redis import SiteStore


async def changes_up_to(store: SiteStore, site: str, held: Position, until: Position) -> tuple[list[Delta], bool]:
    """The changes after a position, exactly up to another one; False: they end before it, the rest is gone.

    ``until`` is that of a follower's snapshot: what the follower tells after it goes on from there. Raises
    StoreUnavailable.
    """
    found: list[Delta] = []
    while held != until:
        news = await store.news_after({site: held}, {}, block_ms=1)
        deltas, lost = judge(held, news.changes.get(site, ()))
        continuing = [one for one in deltas if one.epoch != until.epoch or one.seq <= until.seq]
        if continuing:
            held = Position(continuing[-1].epoch, continuing[-1].seq)
            found += continuing
        if lost or not continuing:
            return found, held == until
    return found, True
