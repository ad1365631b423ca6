"""One act upon the site: who does it, from where, when, and with which policies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pluggy

from slapmaster.domain.certificate import NewCertificate
from slapmaster.domain.site import Site


class Issuer(Protocol):
    """Makes certificates and keeps secrets: the master's authority, seen from the domain."""

    def issue(self, reference: str, days: int | None = None) -> NewCertificate:
        """Make a key and a certificate whose common name is ``reference``."""

    def seal(self, key: str, purpose: str) -> bytes:
        """Encrypt ``key`` so that it may be stored; ``purpose`` is bound to it."""

    def open(self, sealed: bytes, purpose: str) -> str:
        """Give back what :meth:`seal` was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What every operation is told besides its own arguments.

    ``now`` is in microseconds since the epoch.  ``next_number`` gives a number never given
    before for a prefix.  ``issuer`` is ``None`` where the master has no certificates (one
    person on one machine).
    """

    site: Site
    hook: pluggy.HookRelay
    by: str
    origin: str
    now: int
    next_number: Callable[[str], int]
    issuer: Issuer | None

    def new_reference(self, prefix: str) -> str:
        return f"{prefix}-{self.next_number(prefix)}"

    def note(self, event: str, subject: str, detail: str = "") -> None:
        """Write into the journal that ``subject`` was changed."""
        self.site.journal.add(self.now, (self.by, self.origin, event, subject, detail))
