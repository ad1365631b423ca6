"""Certificates of nodes and of instances."""

from pyramid.request import Request

from slapcore.errors import NotFound
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.method import succeeded
from slapmaster.api.jsonrpc.subject import INSTANCE_ABSENT
from slapmaster.api.jsonrpc.subject import NODE_ABSENT
from slapmaster.api.jsonrpc.subject import the_instance
from slapmaster.api.jsonrpc.subject import the_node
from slapmaster.domain.certification import certify_instance
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.instance import SoftwareInstance

CERTIFICATE_ABSENT = "CERTIFICATE-NOT-FOUND"


@Method(
    name="slapos.post.v0.compute_node_certificate", about=the_node,
    permission="node.certificate", absent=NODE_ABSENT,
    words=((NotFound, CERTIFICATE_ABSENT, 403),),
)  # fmt: skip
def generate(request: Request) -> JSON:
    new = issue_certificate(request.act, request.context.node)
    return {"certificate": new.certificate, "key": new.key}


@Method(
    name="slapos.remove.v0.compute_node_certificate", about=the_node,
    permission="node.certificate", absent=NODE_ABSENT,
    words=((NotFound, CERTIFICATE_ABSENT, 403),),
)  # fmt: skip
def revoke(request: Request) -> JSON:
    node = request.context.node
    if not revoke_all(request.act, node, "revoked on request"):
        raise NotFound(f"{node.reference} has no certificate")
    return succeeded("Certificate removed")


@Method(
    name="slapos.get.v0.software_instance_certificate", about=the_instance,
    permission="partition.key", absent=INSTANCE_ABSENT, writes=False,
    words=((NotFound, CERTIFICATE_ABSENT, 403),),
)  # fmt: skip
def get_certificate(request: Request) -> JSON:
    """Deliver the key of an instance to the node that hosts it."""
    instance = request.context.instance
    if not isinstance(instance, SoftwareInstance):
        raise NotFound(f"{instance.reference} is shared and has no certificate")
    secret = certify_instance(request.act, instance)
    if secret is None:
        return {"certificate": "", "key": ""}
    key = request.registry.issuer.open(secret.sealed, instance.reference)
    return {"certificate": secret.certificate, "key": key}
