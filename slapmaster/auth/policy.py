"""Pyramid's security policy: who asks is read once; may they is asked of the table."""

from functools import lru_cache
from ipaddress import ip_address
from socket import gethostname

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import Allowed
from pyramid.security import Denied

from slapcore.errors import Forbidden
from slapmaster.auth.certificate import read_certificate
from slapmaster.auth.identity import Identity
from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed

#: What a browser adds to a request that a page has it send.
SENT_BY_BROWSERS = ("Origin", "Sec-Fetch-Site")


class CertificatePolicy:
    """Believes client certificates."""

    def identity(self, request: Request) -> Identity | None:
        return read_certificate(request)

    def authenticated_userid(self, request: Request) -> str | None:
        return request.asker.reference

    def permits(self, request: Request, context: object, permission: str) -> Allowed | Denied:
        if isinstance(context, Subject) and is_allowed(request.asker, permission, context):
            return Allowed("the table allows it")
        return Denied("the table does not allow it")


class AlonePolicy(CertificatePolicy):
    """Believes that whoever reaches this master is its only user, unless a web page sent them.

    A page from anywhere can have the user's browser post to an address of the loopback; the
    browser says so, and no client of ours sends these headers.  Nor may it call this machine by
    a name of its own, which its owner can let point anywhere.
    """

    def identity(self, request: Request) -> Identity:
        if any(name in request.headers for name in SENT_BY_BROWSERS):
            raise Forbidden("a page in a browser may not ask here")
        if not is_own_name(request.domain):
            raise Forbidden("this master is not known by that name: use its address")
        return Identity(
            reference="PERS-1", person=request.site.persons["PERS-1"], alone=True
        )


@lru_cache(maxsize=100)
def is_own_name(host: str) -> bool:
    """Tell whether ``host`` is an address, or a name that nobody else can give this machine."""
    if host in ("localhost", gethostname()):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def includeme(config: Configurator) -> None:
    """Deny by default, and believe certificates, or that there is only one user."""
    alone = config.registry.alone
    config.set_security_policy(AlonePolicy() if alone else CertificatePolicy())
    config.set_default_permission("nobody")
