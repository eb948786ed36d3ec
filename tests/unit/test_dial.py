"""Reading ahead of a reader that asks for a few bytes at a time."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dial import PIECE_BYTES, ReadAhead


@given(sent=st.binary(min_size=1, max_size=3 * PIECE_BYTES), sizes=st.lists(st.integers(1, 5_000), min_size=1))
def test_all_that_was_sent_comes_in_order_whatever_is_asked_for(sent: bytes, sizes: list[int]) -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.sendall(sent)
        ahead, came = ReadAhead(here), b""
        while len(came) < len(sent):
            came += ahead.recv(sizes[len(came) % len(sizes)])
        assert came == sent
        assert ahead.pending() == 0
        with pytest.raises(BlockingIOError):
            ahead.recv(1)


def test_what_the_kernel_no_longer_has_is_pending_and_the_end_is_the_end() -> None:
    here, there = socket.socketpair()
    with here:
        with there:
            there.sendall(b"\x30\x03abc")
            ahead = ReadAhead(here)
            assert ahead.recv(1) == b"\x30"
            assert ahead.pending() == 4
        assert ahead.recv(10) == b"\x03abc"
        assert ahead.recv(1) == b""
        assert ahead.pending() == 0


def test_all_else_is_the_sockets() -> None:
    here, there = socket.socketpair()
    with here, there:
        ahead = ReadAhead(here)
        assert ahead.fileno() == here.fileno()
        ahead.send(b"out")
        assert there.recv(10) == b"out"
