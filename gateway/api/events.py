"""What happened at a site."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter, SkipValidation

from gateway.api.errors import problems
from gateway.api.guards import current_login
from gateway.api.sites import SiteId
from gateway.domain.events import NO_EVENT, EventEntry, EventId
from gateway.services.events import Events

MOST = 1_000
EXAMPLE = {
    "site": "home",
    "events": [
        {
            "event_id": "1753791600123-0",
            "at": 1753791600.05,
            "site": "home",
            "event": "fault",
            "details": {"target": "chargepoints/4", "before": 0, "fault_state": 2, "fault_text": "No contact."},
        }
    ],
    "next": "1753791600123-0",
    "complete": True,
}


class EventAnswer(msgspec.Struct, frozen=True):
    """One event, as the websocket tells it; ``at`` in epoch seconds. ``details`` are those of the kind ``event``."""

    event_id: Annotated[str, msgspec.Meta(examples=["1753791600123-0"])]
    at: float
    site: str
    event: Annotated[str, msgspec.Meta(examples=["link_changed", "fault", "box_updated"])]
    details: dict[str, Any]


class EventsAnswer(msgspec.Struct, frozen=True):
    """``next`` is the ``after`` of the next page, null: this is the last one. ``complete``: none is missing."""

    site: str
    events: tuple[EventAnswer, ...]
    next: str | None
    complete: bool


@get(
    "/sites/{site:str}/events",
    summary="What happened at a site",
    description="Events in order, the oldest first, as far as you may see the values that they concern. A page looks"
    " at `limit` events and leaves out those that you may not see, so it may hold less, or nothing, although `next`"
    " says that there are more. Events are kept for 30 days, unless set otherwise; `complete` is false when there"
    " were some after `after` that are gone.",
    responses={
        200: ResponseSpec(
            EventsAnswer, description="A page.", generate_examples=False, examples=[Example(value=EXAMPLE)]
        ),
        **problems(400, 401, 404, 503),
    },
    tags=["sites"],
)
async def site_events(
    request: Request[Any, Any, Any],
    site: SiteId,
    events: NamedDependency[SkipValidation[Events]],
    after: Annotated[
        str | None,
        QueryParameter(
            description="The id of an event; those behind it are given. Default: from the oldest one kept.",
            examples=[Example(value="1753791600123-0")],
        ),
    ] = None,
    limit: Annotated[int, QueryParameter(description="How many events to look at.", ge=1, le=MOST)] = 100,
) -> EventsAnswer:
    behind = NO_EVENT if after is None else EventId.parse(after)
    page = await events.after(current_login(request), site, behind, limit)
    following = None if page.next is None else str(page.next)
    return EventsAnswer(site, tuple(_answer(site, entry) for entry in page.entries), following, page.complete)


def _answer(site: str, entry: EventEntry) -> EventAnswer:
    event = entry.event
    return EventAnswer(str(entry.id), event.at, site, event.kind, dict(event.details))
