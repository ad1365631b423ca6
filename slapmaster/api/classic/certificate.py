"""A node's certificate: issue it, revoke it."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import NotFound
from slapcore.errors import StillActive
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import answer
from slapmaster.api.classic.endpoint import nothing
from slapmaster.api.classic.subject import the_node
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.certification import revoke_all


@Endpoint(
    name="generateComputerCertificate", method="POST", about=the_node,
    permission="node.certificate", required=("computer_id",),
)  # fmt: skip
def generate(request: Request) -> Response:
    try:
        new = issue_certificate(request.act, request.context.node)
    except StillActive as error:
        raise NotFound(str(error)) from error  # the code that clients of this call look for
    response = answer({"certificate": new.certificate, "key": new.key})
    response.headers["Cache-Control"] = "private, no-store"
    return response


@Endpoint(
    name="revokeComputerCertificate", method="POST", about=the_node,
    permission="node.certificate", required=("computer_id",),
)  # fmt: skip
def revoke(request: Request) -> Response:
    if not revoke_all(request.act, request.context.node, "revoked on request"):
        raise NotFound("No certificate")  # words that legacy clients know
    return nothing()
