"""What an operation only reads, but relies on, must not change behind its back."""

from persistent import Persistent


def rely_on(*objects: Persistent) -> None:
    """Fail the transaction with a conflict if one of ``objects`` is changed by another."""
    for relied in objects:
        if relied._p_jar is not None:
            relied._p_jar.readCurrent(relied)
