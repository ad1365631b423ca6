"""Every failure that has a name, raised alike on both sides of the wire.

Free of HTTP: each face of the master has a table from these to its codes, and the
client library raises the same class again.
"""

#: How long a text is told, in characters.
MAX_TEXT = 1000


class SlapError(Exception):
    """Anything that went wrong between a node, a person and the master.

    Its text is one sentence for the person who has to do something about it.  What it quotes may
    be of any length, so the text is cut when it is told.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} (and so on)"


class ProtocolError(SlapError):
    """The bytes or fields that came in are not what the protocol allows."""


class InvalidValue(SlapError):
    """A well-formed value that the site can't accept: a wrong state, a bad title."""


class NotFound(SlapError):
    """No such thing, or it belongs to somebody else: the two are not told apart."""


class Gone(SlapError):
    """It was there once and is no longer kept."""


class TooMany(SlapError):
    """More than the asker may have, or may do at once; less, or later, is all right."""


class NotReady(SlapError):
    """Accepted, but nothing to show yet; the peer should ask again."""


class Forbidden(SlapError):
    """The asker is known and may see the thing, but may not do this to it."""


class QuotaExceeded(Forbidden):
    """The asker, or the project, has as much as it may have."""


class Unauthenticated(SlapError):
    """Nobody has proved who asks."""


class Conflict(SlapError):
    """It contradicts what is there: a title taken, a certificate still active."""


class StillActive(Conflict):
    """A certificate is asked for while another one is active."""


class NotOffered(SlapError):
    """The master knows of no such operation: it is older, or of another make."""


class Unavailable(SlapError):
    """The master can't be reached, or can't answer now; a node goes on with what it knows."""


class Untrusted(Unavailable):
    """Somebody answers, but can't prove to be the master that is known."""


class ConfigurationError(SlapError):
    """A configuration file or an environment variable says something it may not say."""


class PolicyFailed(SlapError):
    """What was to choose a place failed or took too long; nothing was stored."""
