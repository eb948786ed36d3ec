from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from websockets.utils import apply_mask

from gateway.protocol.flow import Flow, Pace
from gateway.protocol.frames import Frame, framed
from tests.support.clock import FakeClock

PACE = Pace(full_bytes=400, ping_idle_s=30, gone_after_s=120)
PING_HEADER, PING_BYTES = b"\x89\x12", 18


def of(size: int) -> Frame:
    """A frame of that size on the wire."""
    return Frame(b"x" * (size - 2))


class Line:
    """What a flow wrote, and the pongs a client would send."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.drained = 0
        self.clock = FakeClock()
        nonces = count(1)
        self.flow = Flow(
            self.written.append, PACE, 1_000.0, self.clock.monotonic, lambda size: next(nonces).to_bytes(size)
        )
        self.flow.on_drained = self.on_drained

    def on_drained(self) -> None:
        self.drained += 1

    @property
    def pings(self) -> list[bytes]:
        return [wire[-PING_BYTES:] for wire in self.written if wire[:-PING_BYTES].endswith(PING_HEADER)]


def test_frames_go_out_as_they_are_and_are_counted() -> None:
    line = Line()
    one = of(60)
    line.flow.write(one)
    assert line.written == [one.wire]
    assert line.written[0] is one.wire
    assert (line.flow.unacknowledged, line.flow.written) == (60, 60)


def test_a_ping_with_the_position_follows_each_stretch() -> None:
    line = Line()
    for _ in range(5):
        line.flow.write(of(60))
    first, second = line.pings
    assert first == b"gw" + (120).to_bytes(8) + (1).to_bytes(8)
    assert second == b"gw" + (240).to_bytes(8) + (2).to_bytes(8)
    assert line.written[1] == of(60).wire + framed(0x9, first), "in one piece"
    assert line.flow.unacknowledged == 300


def test_with_so_much_under_way_it_is_full_until_a_pong_comes() -> None:
    line = Line()
    for size in (100, 100, 100, 98):
        line.flow.write(of(size))
    assert not line.flow.full
    line.flow.write(of(2))
    assert line.flow.full
    line.flow.write(of(100))
    assert len(line.pings) == 5, "answers may be added"
    line.flow.pong(line.pings[0], 1_001.0)
    assert (line.flow.full, line.flow.unacknowledged) == (True, 400)
    line.flow.pong(line.pings[1], 1_001.0)
    assert (line.flow.full, line.flow.unacknowledged) == (False, 300)


@given(st.lists(st.tuples(st.integers(2, 200), st.booleans()), max_size=60))
def test_full_is_what_is_unacknowledged_whatever_comes(steps: list[tuple[int, bool]]) -> None:
    line = Line()
    for size, answers in steps:
        line.flow.write(of(min(size, 127)))
        assert line.flow.full is (line.flow.unacknowledged >= PACE.full_bytes)
        if answers and line.pings:
            line.flow.pong(line.pings[-1], 1_001.0)
            assert line.flow.full is (line.flow.unacknowledged >= PACE.full_bytes)


def test_a_pong_acknowledges_its_position_and_those_before() -> None:
    line = Line()
    for _ in range(7):
        line.flow.write(of(60))
    first, second, third = line.pings
    line.flow.pong(second, 1_001.0)
    assert (line.flow.unacknowledged, line.drained) == (420 - 240, 1)
    line.flow.pong(first, 1_001.0)
    line.flow.pong(second, 1_001.0)
    assert (line.flow.unacknowledged, line.drained) == (420 - 240, 1)
    line.flow.pong(third, 1_001.0)
    assert (line.flow.unacknowledged, line.drained) == (60, 2)


def test_a_pong_tells_how_long_ago_its_ping_was_written() -> None:
    line = Line()
    line.flow.write(of(100))
    line.clock.advance(2)
    line.flow.write(of(100))
    line.clock.advance(0.5)
    first, second = line.pings
    assert line.flow.pong(second, 1_001.0) == 0.5
    assert line.flow.pong(first, 1_001.0) is None, "it counted as answered"
    assert line.flow.pong(b"of my own accord", 1_001.0) is None


def masked(frame: bytes, mask: bytes = b"mask") -> bytes:
    """As a client sends it."""
    return bytes((frame[0], frame[1] | 0x80)) + mask + apply_mask(frame[2:], mask)


def test_a_pong_alone_counts_without_being_parsed() -> None:
    line = Line()
    line.flow.write(of(100))
    line.clock.advance(2)
    wire = masked(framed(0xA, line.pings[0]))
    assert line.flow.pong_in(wire, 1_001.0) == 2
    assert (line.flow.unacknowledged, line.drained) == (0, 1)
    assert line.flow.pong_in(wire, 1_001.0) is None, "it counted"


def test_whatever_else_comes_is_to_be_parsed() -> None:
    line = Line()
    line.flow.write(of(100))
    (ping,) = line.pings
    wire = masked(framed(0xA, ping))
    other = masked(framed(0xA, ping[:-1] + b"?"))
    for data in (wire[:-1], wire + wire, wire + b"x", other, masked(framed(0x9, ping)), framed(0xA, ping), b""):
        assert line.flow.pong_in(data, 1_001.0) is None
    assert (line.flow.unacknowledged, line.drained) == (100, 0)


@given(st.binary(max_size=125), st.integers(0, 1_000_000))
def test_a_forged_pong_means_nothing(content: bytes, claimed: int) -> None:
    line = Line()
    for _ in range(4):
        line.flow.write(of(60))
    for forged in (content, b"", b"gw" + claimed.to_bytes(8), b"gw" + claimed.to_bytes(8) + content):
        line.flow.pong(forged, 1_119.0)
    assert (line.flow.unacknowledged, line.drained) == (240, 0)
    assert line.flow.look(1_120.0) is None


def test_nobody_can_guess_a_ping() -> None:
    def ping() -> bytes:
        written: list[bytes] = []
        Flow(written.append, Pace(full_bytes=1), 0.0, FakeClock().monotonic).write(of(2))
        return written[0].removeprefix(of(2).wire)

    assert len({ping() for _ in range(10)}) == 10


def test_what_is_written_while_drained_is_counted_too() -> None:
    line = Line()
    line.flow.write(of(110))
    line.flow.on_drained = lambda: line.flow.write(of(30))
    line.flow.pong(line.pings[0], 1_001.0)
    assert line.flow.unacknowledged == 30


def test_an_idle_connection_is_pinged_and_its_rest_acknowledged() -> None:
    line = Line()
    line.flow.write(of(40))
    assert line.flow.look(1_000.0) == 1_030.0
    assert line.pings == []
    assert line.flow.look(1_030.0) == 1_060.0
    line.flow.pong(line.pings[0], 1_031.0)
    assert line.flow.unacknowledged == 0


def test_gone_without_a_pong_for_so_long() -> None:
    line = Line()
    for now_s in (1_030.0, 1_060.0, 1_090.0):
        assert line.flow.look(now_s) == now_s + 30
    assert line.flow.look(1_119.0) == 1_120.0
    assert len(line.pings) == 3
    line.flow.pong(line.pings[1], 1_119.5)
    assert line.flow.look(1_120.0) == 1_150.0
    assert line.flow.look(1_239.4) == 1_239.5
    assert line.flow.look(1_239.5) is None


def test_nothing_goes_out_after_the_end() -> None:
    line = Line()
    line.flow.write(of(110))
    line.flow.close()
    line.flow.write(of(110))
    line.flow.pong(line.pings[0], 1_001.0)
    assert len(line.written) == 1
    assert line.drained == 0


def test_acknowledged_again_and_again_nothing_is_kept() -> None:
    line = Line()
    for _ in range(1_000):
        line.flow.write(of(50))
        for ping in line.pings:
            line.flow.pong(ping, 1_001.0)
        line.written.clear()
    assert line.flow.unacknowledged <= PACE.ping_bytes
    assert not line.flow._under_way
