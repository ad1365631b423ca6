"""Who changed what, when, from where; append-only.

Entries are spread over shards by their time: one tree that only grows at its end would have
every two writers meet in its last bucket.  What one act notes lies in one shard.
"""

import json
from collections.abc import Iterator
from heapq import merge

from BTrees.LOBTree import LOBTree
from persistent import Persistent

SHARDS = 16

#: who, from where, event, reference of what was changed, detail
Entry = tuple[str, str, str, str, str]


class Shard(LOBTree):
    """Some entries by time, in small records: whoever adds one writes a whole record anew."""

    max_leaf_size = 16


class Journal(Persistent):
    """What happened, by time in microseconds."""

    def __init__(self) -> None:
        self.shards = tuple(Shard() for _ in range(SHARDS))

    def add(self, when: int, entry: Entry) -> None:
        shard = self.shards[when % SHARDS]
        text = json.dumps(entry)
        while not shard.insert(when, text):
            when += SHARDS

    def __len__(self) -> int:
        return sum(len(shard) for shard in self.shards)

    def last(self) -> int:
        """Give when the last entry was made; 0 when there is none."""
        return max((shard.maxKey() for shard in self.shards if shard), default=0)

    def since(self, when: int) -> Iterator[tuple[int, Entry]]:
        """Walk what happened at ``when`` or later, oldest first."""
        for moment, text in merge(*(shard.items(when) for shard in self.shards)):
            yield moment, tuple(json.loads(text))

    def latest_first(self) -> Iterator[tuple[int, Entry]]:
        """Walk what happened, newest first, without reading what is older than is taken."""
        for moment, text in merge(*map(backwards, self.shards), reverse=True):
            yield moment, tuple(json.loads(text))


def backwards(shard: LOBTree) -> Iterator[tuple[int, str]]:
    if not shard:
        return
    first, when = shard.minKey(), shard.maxKey()
    while when > first:
        yield when, shard[when]
        when = shard.maxKey(when - 1)
    yield first, shard[first]
