"""What a box may say, as strategies: the part that is the same whatever dialect it speaks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from gateway.domain.errors import Unreadable
from tests.support.box import Box

Said = tuple[str, bytes]


@dataclass(frozen=True)
class Talk:
    """``broken``: single messages, right or wrong; ``anything``: those and ones of topics that nobody knows.

    ``conversations``: messages that have to do with each other. ``make_box`` is told whether it shows raw payloads.
    """

    make_box: Callable[[bool], Box]
    conversations: st.SearchStrategy[list[Said]]
    broken: st.SearchStrategy[Said]
    anything: st.SearchStrategy[Said]

    def heard(self, messages: list[Said], *, raw: bool = False) -> Box:
        """A box that was told the messages, one after the other."""
        box = self.make_box(raw)
        for topic, payload in messages:
            try:
                box.write(topic, payload)
            except Unreadable:
                box.unreadable.append(topic)
        return box

    def last_readable(self, messages: list[Said]) -> dict[str, bytes]:
        """The last payload of each topic that can be read."""
        return {topic: payload for topic, payload in messages if not self.heard([(topic, payload)]).unreadable}


def really_seen(patterns: Iterable[str], messages: Iterable[Said]) -> dict[str, list[bytes]]:
    """For each pattern some payloads, of messages whose topics are given as patterns."""
    seen: dict[str, list[bytes]] = {pattern: [] for pattern in patterns}
    for pattern, payload in messages:
        if payload not in seen.get(pattern, [payload]) and len(seen[pattern]) < 8:
            seen[pattern].append(payload)
    return seen


@st.composite
def anything(
    draw: st.DrawFn, patterns: Sequence[str], ids: st.SearchStrategy[str], payloads: st.SearchStrategy[bytes]
) -> Said:
    """A topic of one of the patterns, with any levels in it, or any text."""
    pattern = draw(st.sampled_from(patterns))
    levels = [draw(st.text(max_size=5) | ids) if level in "+#" else level for level in pattern.split("/")]
    topic = draw(st.one_of(st.just("/".join(levels)), st.text(max_size=20)))
    return topic, draw(payloads)


@st.composite
def conversations(
    draw: st.DrawFn, groups: Sequence[list[str]], said: Callable[[list[str]], st.SearchStrategy[Said]]
) -> list[Said]:
    """Messages of the topics of one group."""
    return draw(st.lists(said(draw(st.sampled_from(groups))), max_size=20))
