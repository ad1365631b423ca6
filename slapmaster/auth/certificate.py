"""From an X.509 client certificate to an identity.

The certificate comes from our own TLS listener, or in the ``Client-Cert`` header (RFC 9440) of
a reverse proxy that we trust; from anybody else that header is ignored.  Revocation counts at
the very next request.
"""

from collections.abc import Mapping
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from ipaddress import IPv4Network
from ipaddress import IPv6Network
from ipaddress import ip_address
from typing import Any

from pyramid.request import Request

from slapcore.errors import Unauthenticated
from slapmaster.auth.authority import ClientCertificate
from slapmaster.auth.authority import read_client_cert_header
from slapmaster.auth.identity import Identity
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.site import Site

Network = IPv4Network | IPv6Network


def read_certificate(request: Request) -> Identity | None:
    """Tell who shows a certificate; ``None`` when nobody does.

    Raises ``Unauthenticated`` with what is wrong with the certificate that was shown.
    """
    shown = verified_certificate(request)
    return holder_of(request.site, shown) if shown is not None else None


def verified_certificate(request: Request) -> ClientCertificate | None:
    """Read the certificate that is shown, if one is; whether it was revoked is another matter."""
    der = shown_certificate(request.environ, request.registry.trusted_proxies)
    if der is None:
        return None
    found: ClientCertificate = request.registry.issuer.authority.verify(der, datetime.now(UTC))
    return found


def shown_certificate(environ: Mapping[str, Any], proxies: Sequence[Network]) -> bytes | None:
    """Give the certificate, in DER, that the peer or a proxy that is trusted shows."""
    der: bytes | None = environ.get("slapmaster.client_certificate")
    if der is not None:
        return der
    header = environ.get("HTTP_CLIENT_CERT")
    if header is not None and is_within(environ.get("REMOTE_ADDR", ""), proxies):
        return read_client_cert_header(header)
    return None


def is_within(address: str, networks: Sequence[Network]) -> bool:
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    return any(peer in network for network in networks)


def holder_of(site: Site, shown: ClientCertificate) -> Identity:
    """Find whom the site knows by the certificate ``shown``."""
    revocation = site.revocations.get(shown.serial)
    if revocation is not None:
        raise Unauthenticated(f"certificate was revoked: {revocation.reason}")
    identity = find_holder(site, shown.common_name)
    if identity is not None:
        holder = identity.person or identity.node or identity.instance
        known = (held.fingerprint for held in holder.certificates)
        if shown.fingerprint in known:
            return identity
    raise Unauthenticated(f"certificate of {shown.common_name} is not known here (any more)")


def find_holder(site: Site, reference: str) -> Identity | None:
    prefix = reference.partition("-")[0]
    if prefix == "COMP":
        node = site.nodes.find(reference)
        return node and Identity(reference=reference, node=node)
    if prefix == "PERS":
        person = site.persons.find(reference)
        return person and Identity(reference=reference, person=person)
    instance = site.instances.find(reference)
    if isinstance(instance, SoftwareInstance):
        return Identity(reference=reference, instance=instance)
    return None
