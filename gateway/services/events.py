"""The events of a site from the store, as far as a login may see them."""

from collections.abc import Callable

import msgspec

from gateway.domain.access import Login
from gateway.domain.errors import InvalidArgument
from gateway.domain.events import EventEntry, EventId
from gateway.hub.views import EVERYTHING, Rights, allowed_at, view_of
from gateway.store.redis import SiteStore


class Page(msgspec.Struct, frozen=True):
    """Events in order. ``next``: behind which id to go on, None: there are no more yet.

    ``complete`` is False when events behind the id asked for are no longer kept.
    """

    entries: tuple[EventEntry, ...]
    next: EventId | None
    complete: bool


class Events:
    """Reads what the websocket tells, further back than the hub remembers."""

    def __init__(self, store: SiteStore, rights_of: Callable[[Login], Rights]) -> None:
        self._store = store
        self._rights_of = rights_of

    async def after(self, login: Login, site: str, after: EventId, limit: int) -> Page:
        """Of the next ``limit`` events those that the login may see; may be none though others follow.

        Raises NotFound, InvalidArgument for an id that was never given out, StoreUnavailable.
        """
        allowed = allowed_at(self._rights_of(login), site)
        found = await self._store.events_after(site, after, limit)
        if after > found.newest:
            raise InvalidArgument(
                f"after: no event {after} is known, the newest one is {found.newest}; without 'after' reading begins"
                " with the oldest one"
            )
        may_see = view_of(site, EVERYTHING, allowed).chosen.matcher()
        seen = tuple(entry for entry in found.entries if may_see(entry.event.key))
        return Page(seen, found.entries[-1].id if found.more else None, found.complete)
