"""What was written of stored records, kept as long as none of the records has changed.

A record's version is the transaction that wrote it last, so what is kept is true for whoever
reads the same versions, whatever their transaction.  What the running transaction itself has
changed may never come to be: that is written each time.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable
from typing import Generic
from typing import TypeVar

from persistent import Persistent

Versions = tuple[bytes, ...]
Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by key, up to so many bytes; what was kept first is dropped first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> Value | None:
        found = self._values.get(key)
        return found[0] if found is not None else None

    def keep(self, key: Hashable, value: Value, size: int) -> None:
        with self._lock:
            _, old = self._values.pop(key, (None, 0))
            self._values[key] = (value, size)
            self._size += size - old
            while self._size > self._limit and len(self._values) > 1:
                _, (_, dropped) = self._values.popitem(last=False)
                self._size -= dropped


class Answers:
    """Whole answers, by what they show."""

    def __init__(self, limit: int) -> None:
        self._kept: Kept[tuple[Versions, bytes]] = Kept(limit)

    def answer(
        self, key: Hashable, records: Iterable[Persistent], write: Callable[[], bytes]
    ) -> bytes:
        """Give what ``write`` makes of ``records``: of these versions it is made once."""
        versions = versions_of(records)
        if versions is None:
            return write()
        known = self._kept.get(key)
        if known is not None and known[0] == versions:
            return known[1]
        body = write()
        self._kept.keep(key, (versions, body), len(body))
        return body


def versions_of(records: Iterable[Persistent]) -> Versions | None:
    """Give the versions of ``records``; ``None`` if the running transaction has changed one."""
    versions = []
    for record in records:
        record._p_activate()
        if record._p_changed or record._p_jar is None:
            return None
        versions.append(record._p_serial)
    return tuple(versions)
