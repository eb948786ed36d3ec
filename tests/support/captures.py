"""The recorded boxes: their messages exactly as on the wire.

``v2-retained``: the retained topics in the middle of the session, while both cars charge. ``v2-session``: ten minutes
of it, from unplugged to unplugged again. ``v2-start``: the retained topics just before it (``make_start_state``).

``v19-session``: 22 minutes of a 1.9. ``v19-retained``: the retained topics nine minutes into it, while a car charges.
"""

import gzip
from pathlib import Path
from typing import Literal, TypeAlias

from tests.support.recording import Recorded, read_messages

DATA = Path(__file__).parent.parent / "data"

CaptureName: TypeAlias = Literal["v2-retained", "v2-session", "v2-start", "v19-retained", "v19-session"]


def load_capture(name: CaptureName) -> tuple[Recorded, ...]:
    """The messages in the order in which they came; ``t`` in seconds from the start of the recording."""
    return read_messages(gzip.decompress((DATA / f"{name}.jsonl.gz").read_bytes()))
