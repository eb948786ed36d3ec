"""How readings and deltas lie in the store, as bytes.

* A reading in ``latest`` is one flag byte (``0`` live, ``1`` stale), then msgpack ``[value, changed_at, seq]``. The
  flag lies outside and the seq is always nine bytes (a msgpack uint 64) at the very end, which the scripts write, as
  only they know it. So a script can flag a key stale at a new seq without decoding anything.
* A stream entry has the fields ``epoch``, ``set`` (msgpack map: key -> ``[value, changed_at, stale]``) and, only when
  keys ceased to be, ``removed`` (msgpack list of keys), so that who looks for removals decodes no values.

A reading is encoded once for both, as the msgpack of the three-item list without its last item: the *stem*.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from gateway.domain.values import Changes, Reading

Fields: TypeAlias = Mapping[bytes, bytes]

LIVE, STALE = b"0", b"1"
_LAST_ITEM_LIVE, _LAST_ITEM_STALE = b"\xc2", b"\xc3"  # msgpack false and true


class Entry(msgspec.Struct, frozen=True):
    """One entry of the changes stream."""

    seq: int
    epoch: str
    changes: Changes


class Packed(msgspec.Struct, frozen=True):
    """Changes ready for a script: the entry's fields, the pairs for ``latest`` (seq missing), the keys to go."""

    entry_set: bytes
    entry_removed: bytes
    pairs: list[str | bytes]
    removed: list[str]


class _Latest(msgspec.Struct, array_like=True):
    value: Any  # JsonValue, which msgspec cannot follow into itself
    changed_at: float | None
    seq: int


class _Changed(msgspec.Struct, array_like=True):
    value: Any
    changed_at: float | None
    stale: bool


_latest = msgspec.msgpack.Decoder(_Latest)
_set = msgspec.msgpack.Decoder(dict[str, _Changed])
_removed = msgspec.msgpack.Decoder(list[str])


def pack(changes: Changes) -> Packed:
    """Encode the changes of one append; an empty ``entry_removed`` means that no key ceased to be."""
    entry: dict[str, msgspec.Raw] = {}
    pairs: list[str | bytes] = []
    removed: list[str] = []
    encode = msgspec.msgpack.encode
    for key, reading in changes.items():
        if reading is None:
            removed.append(key)
            continue
        stem = encode((reading.value, reading.changed_at, 0))[:-1]
        entry[key] = msgspec.Raw(stem + (_LAST_ITEM_STALE if reading.stale else _LAST_ITEM_LIVE))
        pairs += (key, (STALE if reading.stale else LIVE) + stem)
    return Packed(encode(entry), encode(removed) if removed else b"", pairs, removed)


def unpack_latest(packed: Mapping[bytes, bytes]) -> tuple[dict[str, Reading], dict[str, int]]:
    """The readings and the seq of each one's last change. Raises msgspec.DecodeError, UnicodeDecodeError."""
    readings: dict[str, Reading] = {}
    seqs: dict[str, int] = {}
    for name, stored in packed.items():
        key, latest = name.decode(), _latest.decode(memoryview(stored)[1:])
        readings[key] = Reading(latest.value, latest.changed_at, stored[:1] == STALE)
        seqs[key] = latest.seq
    return readings, seqs


def unpack_entry(entry_id: bytes, fields: Fields) -> Entry:
    """One stream entry. Raises msgspec.DecodeError, KeyError, ValueError."""
    changed = _set.decode(fields[b"set"])
    changes: Changes = {key: Reading(one.value, one.changed_at, one.stale) for key, one in changed.items()}
    changes.update((key, None) for key in unpack_removed(fields))
    return Entry(seq_of(entry_id), fields[b"epoch"].decode(), changes)


def unpack_removed(fields: Fields) -> list[str]:
    """Only the keys that ceased to be in an entry."""
    removed = fields.get(b"removed")
    return _removed.decode(removed) if removed else []


def seq_of(entry_id: bytes) -> int:
    """The seq in an entry's id, ``seq-0``."""
    return int(entry_id[: entry_id.index(b"-")])


def removals(newest_first: Iterable[tuple[bytes, Fields]], epoch: str, seq: int) -> tuple[dict[str, int], int]:
    """Keys removed by the entries of the epoch that lead back from ``seq`` without a hole, each with its newest seq.

    Also answers the seq of the oldest of those entries, or ``seq`` + 1 where there are none.
    """
    wanted, removed, oldest = epoch.encode(), dict[str, int](), seq + 1
    for entry_id, fields in newest_first:
        if fields[b"epoch"] != wanted or seq_of(entry_id) != oldest - 1:
            break
        oldest -= 1
        for key in unpack_removed(fields):
            removed.setdefault(key, oldest)
    return removed, oldest
