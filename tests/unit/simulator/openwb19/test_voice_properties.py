"""Whatever anybody writes, the box lives on and says its whole state."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulator.openwb19.voice import ALWAYS
from gateway.simulator.openwb19.writes import MONTH_REQUEST, WRITES
from gateway.simulator.words import Wish
from tests.support.simulated19 import Simulated19

LEAVES = sorted({write.leaf for write in WRITES if write.leaf})
TOPICS = st.one_of(
    st.sampled_from(sorted({write.topic for write in WRITES if not write.leaf})),
    st.builds(
        lambda root, number, leaf: f"{root}/{number}/{leaf}",
        st.sampled_from(["set/lp", "config/set/sofort/lp"]),
        st.sampled_from(["1", "2", "3", "8", "9", "x", ""]),
        st.sampled_from(LEAVES),
    ),
    st.text(max_size=20).map(lambda text: f"set/{text}"),
)
PAYLOADS = st.one_of(
    st.integers(-400_000, 400_000).map(str),
    st.integers(-2, 101).map(str),
    st.sampled_from(["", "1.5", "+6", " 10 ", "1_0", "٣", "nan", "inf", "-inf", "1e9", "true", "null", "04A1B2C3D4"]),
    st.text(max_size=8),
).map(lambda text: text.encode(errors="replace"))
WRITTEN = st.lists(st.tuples(TOPICS, PAYLOADS), max_size=12)


@given(before=WRITTEN, after=WRITTEN)
def test_every_write_is_answered_or_left_and_the_loops_go_on(
    before: list[tuple[str, bytes]], after: list[tuple[str, bytes]]
) -> None:
    simulated = Simulated19(wishes={5: Wish(mode="instant")})
    topics = set(simulated.boot())
    for writes in (before, after):
        for topic, payload in writes:
            answered = simulated.write(topic, payload)
            assert payload or not answered
            assert not answered or topic == MONTH_REQUEST or answered[-1] == (topic, "")
        for _ in range(9):
            said = {one.topic.removeprefix("openWB/") for one in simulated.loop()}
            assert said >= ALWAYS
    assert topics - set(simulated.boot()) == set()
