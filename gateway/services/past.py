"""What questions about the past have in common, whatever they are about: a time, and buckets of it."""

from zoneinfo import ZoneInfo

import msgspec

from gateway.domain.history import Resolution, Span


class AskedPast(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it came. Without ``begin`` it is about the day before ``end``, without ``end`` it ends now."""

    begin: str | None = None
    end: str | None = None
    resolution: str = Resolution.auto.value


class Buckets(msgspec.Struct, frozen=True, kw_only=True):
    """``starts`` are those of the buckets, which are in ``span``; the lists of the columns are as long."""

    site: str
    zone: ZoneInfo
    span: Span
    resolution: Resolution
    starts: list[int]
