"""Issue certificates, renew them, and take them back.

An instance's certificate is renewed before it ends, the next time its node asks for it; the old
one counts until its own end, since a program may still be using it.
"""

from itertools import islice

from slapcore.errors import NotFound
from slapcore.errors import StillActive
from slapmaster.domain.act import Act
from slapmaster.domain.certificate import Certificate
from slapmaster.domain.certificate import Holder
from slapmaster.domain.certificate import NewCertificate
from slapmaster.domain.certificate import Revocation
from slapmaster.domain.certificate import SealedKey
from slapmaster.domain.certificate import active_certificates
from slapmaster.domain.certificate import hold
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.site import Site

#: How long before its end, in microseconds, a certificate is renewed; a short-lived one when a
#: third of its time is left.
RENEWED_BEFORE = 30 * 24 * 3600 * 1_000_000
#: How many expired revocations are forgotten when one is added, so that they don't pile up.
FORGOTTEN_AT_ONCE = 10


def issue_certificate(act: Act, holder: Holder, *, only_one: bool = True) -> NewCertificate:
    """Make a certificate for ``holder``; its key exists in what is returned and nowhere else.

    Raises ``StillActive`` when it has one already and may have ``only_one``, ``NotFound``
    where the master has no certificates at all.
    """
    if act.issuer is None:
        raise NotFound("this master works without certificates")
    if only_one and active_certificates(holder, act.now):
        raise StillActive("Certificate still active.")  # words that legacy clients look for
    new = act.issuer.issue(holder.reference)
    hold(holder, new, act.now)
    act.note("certificate issued", holder.reference, new.serial)
    return new


def certify_instance(act: Act, instance: SoftwareInstance) -> SealedKey | None:
    """Give the certificate and sealed key of ``instance``; made, or renewed, when it is time.

    ``None`` where the master has no certificates.
    """
    if act.issuer is None:
        return None
    latest = max((renewal_of(held) for held in instance.certificates), default=0)
    if instance.secret is None or latest < act.now:
        new = issue_certificate(act, instance, only_one=False)
        sealed = act.issuer.seal(new.key, instance.reference)
        instance.secret = SealedKey(new.certificate, sealed)
    return instance.secret


def renewal_of(held: Certificate) -> int:
    """Give the time, in microseconds, from which on ``held`` is renewed."""
    return held.not_after - min(RENEWED_BEFORE, (held.not_after - held.issued) // 3)


def revoke(act: Act, holder: Holder, serial: str, reason: str) -> None:
    """No longer believe the certificate ``serial`` of ``holder``."""
    for held in holder.certificates:
        if held.serial == serial:
            holder.certificates = tuple(one for one in holder.certificates if one is not held)
            _list_revoked(act, holder, held, reason)
            return
    raise NotFound(f"{holder.reference} has no certificate {serial}")


def revoke_all(act: Act, holder: Holder, reason: str) -> int:
    """No longer believe any certificate of ``holder``; give how many that were."""
    held = active_certificates(holder, act.now)
    for certificate in held:
        _list_revoked(act, holder, certificate, reason)
    if holder.certificates:
        holder.certificates = ()
    return len(held)


def _list_revoked(act: Act, holder: Holder, held: Certificate, reason: str) -> None:
    forget_expired(act)
    act.site.revocations[held.serial] = Revocation(
        holder.reference, act.now, held.not_after, reason
    )
    act.site.revocations_by_end.insert((held.not_after, held.serial))
    act.note("certificate revoked", holder.reference, f"{held.serial}: {reason}")


def forget_expired(act: Act) -> None:
    """Forget some of what was revoked and would not be valid any more anyway."""
    expired = act.site.revocations_by_end.keys(None, (act.now, ""))
    for end, serial in list(islice(expired, FORGOTTEN_AT_ONCE)):
        act.site.revocations_by_end.remove((end, serial))
        del act.site.revocations[serial]


def current_revocations(site: Site, now: int) -> list[tuple[str, int]]:
    """Give serial and time (microseconds) of what is revoked and would still be valid."""
    return [
        (serial, site.revocations[serial].when)
        for _, serial in site.revocations_by_end.keys((now, ""))
    ]
