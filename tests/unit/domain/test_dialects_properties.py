"""What holds of the reader of each dialect for any messages at all."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.catalogue import check
from gateway.domain.values import JsonValue
from tests.support.talk import Talk
from tests.support.talk2 import TALK_2
from tests.support.talk19 import TALK_19

pytestmark = pytest.mark.no_cover  # slow when traced; the tests of single rules reach every line

each_dialect = pytest.mark.parametrize("talk", [TALK_2, TALK_19], ids=["openwb-2", "openwb-1.9"])


@each_dialect
@given(data=st.data())
def test_the_order_of_topics_does_not_matter(talk: Talk, data: st.DataObject) -> None:
    once = list(dict(data.draw(talk.conversations)).items())
    shuffled = data.draw(st.permutations(once))
    assert talk.heard(once, raw=True).values == talk.heard(shuffled, raw=True).values


@each_dialect
@given(data=st.data())
def test_only_the_last_readable_payload_of_each_topic_counts(talk: Talk, data: st.DataObject) -> None:
    messages = data.draw(talk.conversations | st.lists(talk.broken, max_size=20))
    last = talk.last_readable(messages)
    present = data.draw(st.permutations([(topic, payload) for topic, payload in last.items() if payload]))
    assert talk.heard(messages).values == talk.heard(present).values


@each_dialect
@given(data=st.data(), raw=st.booleans())
def test_nothing_leaves_outside_of_its_declared_type_and_range(talk: Talk, data: st.DataObject, raw: bool) -> None:
    messages = data.draw(st.lists(talk.anything, max_size=12))
    values: dict[str, JsonValue] = talk.heard(messages, raw=raw).values
    assert all(check(key, value) for key, value in values.items())
    assert msgspec.json.decode(msgspec.json.encode(values)) == values


@each_dialect
@given(data=st.data(), raw=st.booleans())
def test_deleting_everything_leaves_no_key(talk: Talk, data: st.DataObject, raw: bool) -> None:
    messages = data.draw(talk.conversations | st.lists(talk.anything, max_size=14))
    box = talk.heard(messages, raw=raw)
    for topic in data.draw(st.permutations(sorted({topic for topic, _ in messages}))):
        box.delete(topic)
    assert box.values == {}


@each_dialect
@given(data=st.data())
def test_saying_it_again_changes_nothing_but_is_told(talk: Talk, data: st.DataObject) -> None:
    """The keys a flood brings are counted by the bridge, so equal values must be told again."""
    messages = data.draw(talk.conversations)
    box = talk.heard(messages)
    before = dict(box.values)
    told: set[str] = set()
    for topic, payload in talk.last_readable(messages).items():
        if payload:
            told.update(box.write(topic, payload))
    assert box.values == before
    assert told == set(before)
