"""Certificates held by persons, nodes and instances, and those that were revoked.

A holder keeps what identifies its certificates; no private key is kept in clear.  A revoked
certificate leaves its holder and stays in the site's list until it would have expired.
"""

from dataclasses import dataclass
from typing import Protocol

from persistent import Persistent


@dataclass(frozen=True, slots=True)
class Certificate:
    """An issued certificate.  ``serial`` is in lower-case hex; times are in microseconds."""

    serial: str
    fingerprint: str
    issued: int
    not_after: int


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate just made, with the only clear copy of its private key (both PEM)."""

    serial: str
    fingerprint: str
    not_after: int
    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """Why a serial is no longer believed."""

    holder: str
    when: int
    not_after: int
    reason: str


class Holder(Protocol):
    """Whoever is known by certificates."""

    reference: str
    certificates: tuple[Certificate, ...]


class SealedKey(Persistent):
    """The certificate of one instance, and its private key, encrypted.

    The node that hosts the instance asks for both at every run, so the key can't be thrown
    away once delivered; the key that opens it lies outside the database.
    """

    def __init__(self, certificate: str, sealed: bytes) -> None:
        self.certificate = certificate
        self.sealed = sealed


def hold(holder: Holder, new: NewCertificate, now: int) -> None:
    """Let ``holder`` be known by ``new``; forget what has expired."""
    kept = tuple(held for held in holder.certificates if held.not_after > now)
    holder.certificates = (*kept, Certificate(new.serial, new.fingerprint, now, new.not_after))


def active_certificates(holder: Holder, now: int) -> tuple[Certificate, ...]:
    return tuple(held for held in holder.certificates if held.not_after > now)
