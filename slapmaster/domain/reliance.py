"""What an operation only reads, but relies on, must not change behind its back."""

from BTrees.OOBTree import OOBTree
from persistent import Persistent


def rely_on(*objects: Persistent) -> None:
    """Fail the transaction with a conflict if one of ``objects`` is changed by another.

    Of a BTree this is its root alone: enough to notice the first member and the last; for
    any member take :func:`rely_on_members`.
    """
    for relied in objects:
        if relied._p_jar is not None:
            relied._p_activate()  # what was never loaded has no version yet
            relied._p_jar.readCurrent(relied)


def rely_on_members(*trees: OOBTree) -> None:
    """Fail the transaction with a conflict if another adds to one of ``trees``, or removes."""
    for tree in trees:
        rely_on(tree)
        state = tree.__getstate__()
        bucket = state[1] if state is not None and len(state) > 1 else None
        while bucket is not None:
            rely_on(bucket)
            state = bucket.__getstate__()
            bucket = state[1] if len(state) > 1 else None
