"""What a process sent to all its clients, and how subscriptions went on, in numbers that only grow."""

from typing import get_args

from gateway.domain.figures import Tally
from gateway.protocol.frames import Frame
from gateway.protocol.messages import ResetReason


class Traffic:
    """What goes to all live members of a group is ``shared``, all else ``private``, also where the bytes are equal.

    A shared frame is counted once with the number of its receivers, so that a client more costs nothing.
    """

    __slots__ = ("encoded", "private_frames", "resets", "resumes", "shared_frames", "written_bytes")

    def __init__(self) -> None:
        self.shared_frames = 0
        self.private_frames = 0
        self.written_bytes = 0
        self.encoded = 0
        """Frames of values that were made: deltas, merged deltas and parts of snapshots."""
        self.resets = Tally(get_args(ResetReason))
        self.resumes = Tally(("resumed", "snapshot"))
        """How those were answered who said which position they hold."""

    def shared(self, one: Frame, receivers: int) -> None:
        self.shared_frames += receivers
        self.written_bytes += receivers * len(one)

    def private(self, one: Frame) -> None:
        self.private_frames += 1
        self.written_bytes += len(one)
