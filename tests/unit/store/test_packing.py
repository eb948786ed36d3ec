"""Readings and deltas as bytes, and back."""

import struct

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.values import Changes, Reading
from gateway.store.packing import Entry, pack, removals, seq_of, unpack_entry, unpack_latest, unpack_removed

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
READINGS = st.builds(Reading, VALUES, st.none() | st.floats(0, 4e9), st.booleans())
CHANGES = st.dictionaries(st.text(min_size=1), st.none() | READINGS)


def latest_of(changes: Changes, seq: int) -> dict[bytes, bytes]:
    """What the scripts do with the pairs: seq, as nine bytes, at the end."""
    pairs = pack(changes).pairs
    keys, stems = pairs[::2], pairs[1::2]
    suffix = b"\xcf" + struct.pack(">Q", seq)
    latest = {}
    for key, stem in zip(keys, stems, strict=True):
        assert isinstance(key, str)
        assert isinstance(stem, bytes)
        latest[key.encode()] = stem + suffix
    return latest


def fields_of(changes: Changes, epoch: str = "e") -> dict[bytes, bytes]:
    packed = pack(changes)
    fields = {b"epoch": epoch.encode(), b"set": packed.entry_set}
    return fields | ({b"removed": packed.entry_removed} if packed.entry_removed else {})


@settings(deadline=None)
@given(changes=CHANGES, seq=st.integers(0, 2**53))
def test_latest_gives_back_the_readings_and_their_seq(changes: Changes, seq: int) -> None:
    readings, seqs = unpack_latest(latest_of(changes, seq))
    present = {key: reading for key, reading in changes.items() if reading is not None}
    assert readings == present
    assert seqs == dict.fromkeys(present, seq)


@settings(deadline=None)
@given(changes=CHANGES, seq=st.integers(0, 2**53))
def test_an_entry_gives_back_the_changes(changes: Changes, seq: int) -> None:
    assert unpack_entry(f"{seq}-0".encode(), fields_of(changes)) == Entry(seq, "e", changes)


@settings(deadline=None)
@given(changes=CHANGES)
def test_removals_are_told_apart_from_values_that_are_known_to_be_unknown(changes: Changes) -> None:
    gone = [key for key, reading in changes.items() if reading is None]
    assert pack(changes).removed == gone
    assert unpack_removed(fields_of(changes)) == gone


def test_true_is_not_one_and_one_is_not_one_point_nought() -> None:
    readings, _ = unpack_latest(latest_of({"a": Reading(True), "b": Reading(1), "c": Reading(1.0)}, 1))
    assert [type(readings[key].value) for key in "abc"] == [bool, int, float]


def test_staleness_can_be_flipped_without_decoding() -> None:
    """The flag is the first byte and the seq the last nine, so a script needs no msgpack to move a key."""
    [stored] = latest_of({"a": Reading([1, "x"], 2.5)}, 7).values()
    flipped = b"1" + stored[1:-9] + b"\xcf" + struct.pack(">Q", 8)
    assert unpack_latest({b"a": flipped}) == ({"a": Reading([1, "x"], 2.5, stale=True)}, {"a": 8})
    in_entry = msgspec.msgpack.encode({"a": msgspec.Raw(stored[1:-9] + b"\xc3")})
    assert unpack_entry(b"8-0", {b"epoch": b"e", b"set": in_entry}).changes == {
        "a": Reading([1, "x"], 2.5, stale=True)
    }


def test_seq_of_an_entry() -> None:
    assert seq_of(b"1000001-0") == 1_000_001


@pytest.mark.parametrize("stored", [b"", b"0", b"0\x93", b"0\x92\x01\x02", b"0\x93\x01\x02\xa1x"])
def test_what_cannot_be_read_says_so(stored: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        unpack_latest({b"a": stored})


NOTHING: Changes = {}


def test_removals_keep_the_newest_seq_of_each_key() -> None:
    entries = [
        (b"9-0", fields_of({"a": None, "b": Reading(1)})),
        (b"8-0", fields_of(NOTHING)),
        (b"7-0", fields_of({"a": None, "c": None})),
    ]
    assert removals(entries, "e", 9) == ({"a": 9, "c": 7}, 7)


def test_removals_stop_at_another_epoch() -> None:
    entries = [(b"9-0", fields_of({"a": None})), (b"8-0", fields_of({"b": None}, "before"))]
    assert removals(entries, "e", 9) == ({"a": 9}, 9)


def test_removals_stop_at_a_hole() -> None:
    entries = [(b"9-0", fields_of({"a": None})), (b"7-0", fields_of({"b": None}))]
    assert removals(entries, "e", 9) == ({"a": 9}, 9)


def test_entries_that_do_not_reach_the_state_tell_nothing() -> None:
    assert removals([(b"8-0", fields_of({"a": None}))], "e", 9) == ({}, 10)
    assert removals([], "e", 9) == ({}, 10)
