"""Entries that name the version in which they were written: msgpack ``[version, ...]``."""

from typing import TypeVar

import msgspec

Packed = TypeVar("Packed")


class _Head(msgspec.Struct, array_like=True):
    version: int


_head_decoder = msgspec.msgpack.Decoder(_Head)


class UnreadableEntry(Exception):
    """An entry that this version cannot read; its text says why."""


def decoded(payload: bytes, version: int, decoder: msgspec.msgpack.Decoder[Packed], what: str) -> Packed:
    """The entry, if it is of that version. Raises UnreadableEntry; ``what`` is the entry for people."""
    try:
        found = _head_decoder.decode(payload).version
        if found == version:
            return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableEntry(str(error)) from error
    raise UnreadableEntry(f"{what} of version {found}; this gateway reads {version}")
