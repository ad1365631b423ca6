"""Numbers for references (COMP-n, SOFTINST-n), reserved in blocks.

A counter that every request writes would make every two requests conflict.  So each process
reserves a block at a time; what is left of it at a restart is a gap.
"""

from BTrees.OOBTree import OOBTree
from persistent import Persistent


class Sequence(Persistent):
    """The next number that no process has reserved."""

    next_free = 1

    def reserve(self, count: int) -> range:
        """Take ``count`` numbers out of circulation."""
        taken = range(self.next_free, self.next_free + count)
        self.next_free = taken.stop
        return taken


class Sequences(Persistent):
    """A sequence per prefix."""

    def __init__(self) -> None:
        self.by_prefix = OOBTree()

    def reserve(self, prefix: str, count: int) -> range:
        """Take ``count`` numbers of ``prefix`` out of circulation."""
        sequence = self.by_prefix.get(prefix)
        if sequence is None:
            sequence = self.by_prefix[prefix] = Sequence()
        return sequence.reserve(count)  # type: ignore[no-any-return]
