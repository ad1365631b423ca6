"""How certificates are come by: one-time tokens, and the list of those revoked.

The paths are those that legacy clients call under the master's *web* address.
"""

from dataclasses import replace
from datetime import UTC
from datetime import datetime
from datetime import timedelta

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import Forbidden
from slapcore.errors import NotFound
from slapmaster.api.form import check_fields
from slapmaster.api.form import read_fields
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in
from slapmaster.api.route import nothing
from slapmaster.auth.identity import Identity
from slapmaster.auth.seal import hash_token
from slapmaster.domain.act import Act
from slapmaster.domain.certificate import NewCertificate
from slapmaster.domain.certification import current_revocations
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.registration import register_node
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose

#: A client shall not take a list of revoked certificates for current for longer than this.
LIST_LIFETIME = timedelta(days=1)


def redeem(request: Request, purpose: TokenPurpose) -> tuple[Act, Token]:
    """Use up the token of the request, and act in the name of the person it was given to.

    Whatever fails after this leaves the token as it was.
    """
    shown = request.headers.get("X-Access-Token", "").strip()
    if not shown:
        raise Forbidden("the header X-Access-Token with a one-time token is missing")
    request.asker = Identity(reference="token")  # redeeming needs no other proof
    act: Act = request.act
    token = act.site.tokens.redeem(hash_token(shown), purpose, act.now)
    return replace(act, by=token.person), token


def request_node(request: Request) -> Response:
    """Register a node by a token, and issue its certificate."""
    act, token = redeem(request, TokenPurpose.NODE)
    fields = read_fields(request)
    check_fields(fields, ("title",))
    project = act.site.projects[token.project]
    if project.role_of(act.site.persons[token.person]) is None:
        raise Forbidden("whoever was given this token is no member of its project any more")
    node = register_node(act, project, fields["title"])
    new = issue_certificate(act, node)
    return certificate_answer(
        new,
        reference=node.reference,
        relative_url=f"compute_node_module/{node.reference}",
    )


def get_certificate(request: Request) -> Response:
    """Issue a person's certificate by a token."""
    act, token = redeem(request, TokenPurpose.CLIENT)
    check_fields(read_fields(request), ())
    person = act.site.persons[token.person]
    return certificate_answer(issue_certificate(act, person, only_one=False))


def certificate_answer(new: NewCertificate, **more: str) -> Response:
    response = Response(json_body={"certificate": new.certificate, "key": new.key, **more})
    response.headers["Cache-Control"] = "private, no-store"
    return response


def get_revoked(request: Request) -> Response:
    """Give the list of revoked certificates (X.509 CRL)."""
    if request.registry.issuer is None:
        raise NotFound("this master works without certificates")
    now = datetime.now(UTC)
    revoked = [
        (serial, datetime.fromtimestamp(when / 1_000_000, UTC))
        for serial, when in current_revocations(request.site, int(now.timestamp() * 1_000_000))
    ]
    signed = request.registry.issuer.authority.crl(
        revoked, now=now, next_update=now + LIST_LIFETIME
    )
    return Response(body=signed.der, content_type="application/pkix-crl")


def includeme(config: Configurator) -> None:
    """Add the routes of enrolment; they are open, since the token is the proof."""
    for name, path, method, view in (
        ("enrolment.node", "/Person_requestComputer", "POST", request_node),
        ("enrolment.client", "/Person_getCertificate", "POST", get_certificate),
        ("enrolment.revoked", "/revoked.crl", "GET", get_revoked),
    ):
        way = WayIn(name=name, path=path, method=method, view=view, about=nothing)
        add_way_in(config, way)
