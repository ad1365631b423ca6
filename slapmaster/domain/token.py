"""One-time tokens: whoever shows one may do one thing, once, within a day.

Only a hash is stored.  A used or expired token is remembered for a while, so that a second
use can be told from a wrong token.
"""

from enum import StrEnum
from itertools import islice

from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapcore.errors import Forbidden

LIFETIME = 24 * 3600 * 1_000_000
REMEMBERED = 7 * LIFETIME
#: More than are added at a time, so they don't pile up.
FORGOTTEN_AT_ONCE = 10


class TokenPurpose(StrEnum):
    """The one thing a token allows: register a node, or fetch a person's certificate."""

    NODE = "node"
    CLIENT = "client"


class Token(Persistent):
    """What a token allows, in whose name; times are in microseconds."""

    used = 0

    def __init__(self, purpose: TokenPurpose, person: str, project: str, expires: int) -> None:
        self.purpose = purpose
        self.person = person
        self.project = project
        self.expires = expires


class Tokens(Persistent):
    """All tokens by the hash of what their holder shows."""

    def __init__(self) -> None:
        self.by_hash = OOBTree()
        self.by_end = OOTreeSet()

    def add(self, digest: str, token: Token, now: int) -> None:
        self._forget_old(now)
        self.by_hash[digest] = token
        self.by_end.insert((token.expires, digest))

    def redeem(self, digest: str, purpose: TokenPurpose, now: int) -> Token:
        """Use the token up; raises ``Forbidden`` when it is wrong, used, or too old."""
        token: Token | None = self.by_hash.get(digest)
        if token is None or token.purpose is not purpose:
            raise Forbidden("this token is not valid here: ask for a new one")
        if token.used:
            raise Forbidden("this token has been used: ask for a new one")
        if token.expires <= now:
            raise Forbidden("this token has expired: ask for a new one")
        token.used = now
        return token

    def _forget_old(self, now: int) -> None:
        old = self.by_end.keys(None, (now - REMEMBERED, ""))
        for end, digest in list(islice(old, FORGOTTEN_AT_ONCE)):
            del self.by_hash[digest]
            self.by_end.remove((end, digest))
