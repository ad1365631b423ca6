"""Certificates of persons and nodes, as operators handle them."""

from typing import Any

from slapcore.errors import NotFound
from slapmaster.control.lookup import write_time
from slapmaster.domain.act import Act
from slapmaster.domain.certificate import Certificate
from slapmaster.domain.certificate import Holder
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.certification import revoke
from slapmaster.domain.certification import revoke_all

Answer = dict[str, Any]


def issue(act: Act, holder: Holder, *, only_one: bool) -> Answer:
    """Make a certificate; its key is in what is returned, and nowhere else."""
    new = issue_certificate(act, holder, only_one=only_one)
    return {
        "reference": holder.reference,
        "serial": new.serial,
        "not_after": write_time(new.not_after),
        "certificate": new.certificate,
        "key": new.key,
    }


def take_back(act: Act, holder: Holder, serial: str | None, reason: str) -> Answer:
    """Revoke the certificate ``serial``, or all of them."""
    if serial is not None:
        revoke(act, holder, serial, reason)
        return {"reference": holder.reference, "revoked": 1}
    count = revoke_all(act, holder, reason)
    if not count:
        raise NotFound(f"{holder.reference} has no certificate")
    return {"reference": holder.reference, "revoked": count}


def write_certificate(held: Certificate) -> Answer:
    return {
        "serial": held.serial,
        "issued": write_time(held.issued),
        "not_after": write_time(held.not_after),
    }
