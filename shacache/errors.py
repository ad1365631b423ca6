"""The failures that only a cache knows, beside those of ``slapcore.errors``."""

from slapcore.errors import SlapError


class Full(SlapError):
    """There is no room for what is put: the disk, or the size that was allowed, is used up."""


class TooLarge(SlapError):
    """What is put is larger than anything that may be put here."""


class TooMuch(SlapError):
    """Whoever asks has used up what they may put for now."""
