"""What one connection's reader has given out, whatever the dialect: so it knows what ceased to be."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from gateway.domain.openwb_raw import raw_key, raw_text
from gateway.domain.values import REMOVED, JsonValue, Removed

Values: TypeAlias = dict[str, JsonValue | Removed]


class Given:
    """The keys that show at present; with ``raw`` payloads show as they are, too, but for secrets."""

    def __init__(self, raw: bool = False) -> None:
        self._raw = raw
        self._held: set[str] = set()

    def settle(self, values: Mapping[str, JsonValue | Removed], possible: Iterable[str]) -> Values:
        """The values, and REMOVED for each other possible key that had been given out."""
        ceased = [key for key in possible if key in self._held and key not in values]
        self._held.difference_update(ceased)
        self._held.update(values)
        return {**values, **dict.fromkeys(ceased, REMOVED)}

    def under(self, prefixes: tuple[str, ...]) -> list[str]:
        """The keys that show and begin with one of the prefixes."""
        return [key for key in self._held if key.startswith(prefixes)]

    def settle_raw(self, topic: str, payload: bytes) -> Values:
        """The payload as it is, if that is wanted and the topic (without prefix) may leave."""
        key = raw_key(topic) if self._raw else None
        if key is None:
            return {}
        shown = raw_text(payload)
        return self.settle({} if shown is None else {key: shown}, [key])
