"""What may be shown of a box's topic as it is, whatever the dialect: ``raw/<topic>``, for admins.

Both dialects' secrets are kept back in both, since a broker may hold what a box of the other one left there.
"""

import re

from gateway.domain.catalogue_entries import RAW_CHARS
from gateway.domain.filters import LEVEL, MAX_PATTERN_CHARS
from gateway.domain.openwb2_ignored import NEVER_RAW, sounds_secret, why
from gateway.domain.openwb19_ignored import NEVER_RAW_19
from gateway.domain.texts import bounded

# 1.9 has a topic for each setting: its name says what a member's name says in JSON
_SECRET_TOPIC = re.compile(r"passw|token|secret|credential|api_?key|private_?key|pincode|lockcode", re.IGNORECASE)
# one topic for each part of a history, or of the charge log of everybody
_PART_OF_A_LOG = re.compile(r"system/(?:\d+alllivevalues|LiveGraphData|(?:Day|Month|Year)\w{1,20}Data\w{1,5})")


def raw_key(topic: str) -> str | None:
    """The key of a topic (without prefix), or None for one that must not leave or that no pattern could name."""
    key = f"raw/{topic}"
    if len(key) > MAX_PATTERN_CHARS or not key.isprintable() or not all(map(LEVEL.fullmatch, topic.split("/"))):
        return None
    if (
        _SECRET_TOPIC.search(topic)
        or _PART_OF_A_LOG.fullmatch(topic)
        or why((*NEVER_RAW, *NEVER_RAW_19), topic) is not None
    ):
        return None
    return key


def raw_text(payload: bytes) -> str | None:
    """The payload as text; None for an empty one, and for one that sounds like a secret."""
    shown = payload.decode(errors="replace")
    return bounded(shown, RAW_CHARS) if payload and not sounds_secret(shown) else None
