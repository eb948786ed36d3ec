"""What a subscription may see: the wish, cut down to the rights."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from gateway.domain.errors import NotFound
from gateway.domain.filters import Filter

ALWAYS = "link/#"
EVERYTHING = Filter.of(("#",))


class Allowed(msgspec.Struct, frozen=True):
    """What somebody may see of a site; ``marks`` are what else makes two people's views differ."""

    chosen: Filter
    marks: tuple[str, ...] = ()


Rights: TypeAlias = Callable[[str], Allowed | None]
"""Site to what may be seen of it; None: for this person there is no such site."""


def allowed_at(rights: Rights, site: str) -> Allowed:
    """What may be seen of it; raises NotFound, also for a site that there is and that is not for this person."""
    allowed = rights(site)
    if allowed is None:
        raise NotFound("there is no such site")
    return allowed


class View(msgspec.Struct, frozen=True):
    """The values of a site that somebody is shown. Equal names: the same values, for whoever looks."""

    site: str
    chosen: Filter
    name: str


def view_of(site: str, wanted: Filter, allowed: Allowed) -> View:
    """The patterns that both select, and those of the link always."""
    both = (meet(one, other) for one in wanted.patterns for other in allowed.chosen.patterns)
    chosen = Filter.of([*(pattern for pattern in both if pattern is not None), ALWAYS])
    return View(site, chosen, chosen.fingerprint(site, *allowed.marks))


def meet(one: str, other: str) -> str | None:
    """The pattern of the keys that both patterns select; None when there is no such key."""
    ones, others = one.split("/"), other.split("/")
    levels: list[str] = []
    while ones and others:
        if ones[0] == "#":
            return "/".join([*levels, *others])
        if others[0] == "#":
            return "/".join([*levels, *ones])
        level, opposite = ones.pop(0), others.pop(0)
        if level != opposite and "+" not in (level, opposite):
            return None
        levels.append(opposite if level == "+" else level)
    return "/".join(levels) if ones in ([], ["#"]) and others in ([], ["#"]) else None
