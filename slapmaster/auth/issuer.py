"""Certificates and secrets for the domain, by the master's authority and its seal."""

from datetime import UTC
from datetime import datetime

from slapmaster.auth.authority import Authority
from slapmaster.auth.seal import Seal
from slapmaster.domain.certificate import NewCertificate

#: The client cuts a node's reference out of its certificate up to "/email", so there must be one.
EMAIL = "noreply@slapmaster.invalid"


class AuthorityIssuer:
    """An :class:`~slapmaster.domain.act.Issuer`; ``days`` says how long whose certificate lives.

    ``days`` maps the prefix of a reference (COMP, SOFTINST, PERS) to days.
    """

    def __init__(self, authority: Authority, seal: Seal, days: dict[str, int]) -> None:
        self.authority = authority
        self._seal = seal
        self._days = days

    def issue(self, reference: str, days: int | None = None) -> NewCertificate:
        lifetime = self._days[reference.partition("-")[0]] if days is None else days
        issued = self.authority.issue(reference, EMAIL, days=lifetime, now=datetime.now(UTC))
        return NewCertificate(
            issued.serial,
            issued.fingerprint,
            int(issued.not_after.timestamp()) * 1_000_000,
            issued.certificate,
            issued.key,
        )

    def seal(self, key: str, purpose: str) -> bytes:
        return self._seal.seal(key.encode(), purpose=purpose)

    def open(self, sealed: bytes, purpose: str) -> str:
        return self._seal.open(sealed, purpose=purpose).decode()
