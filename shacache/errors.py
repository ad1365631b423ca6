"""The failures that only a cache knows, beside those of ``slapcore.errors``."""

import errno

from slapcore.errors import SlapError

#: why a write fails when there is no room
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class Full(SlapError):
    """There is no room for what is put: the disk, or the size that was allowed, is used up."""


class TooLarge(SlapError):
    """What is put is larger than anything that may be put here."""


class TooMuch(SlapError):
    """Whoever asks has used up what they may put for now."""


def failure_of_disk(error: OSError) -> Full:
    """Say in words that something can't be kept."""
    if error.errno in NO_ROOM:
        return Full("there is no room for it on the disk of the cache")
    return Full(f"the disk of the cache has failed: {error.strerror}")
