"""What is asked of the master as such."""

from pyramid.request import Request

from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.address import hateoas_url
from slapmaster.api.jsonrpc.method import EVERYBODY
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.subject import nothing


@Method(
    name="slapos.get.v0.hateoas_url", about=nothing, permission=EVERYBODY,
    absent="HATEOAS-URL-NOT-FOUND", writes=False,
)  # fmt: skip
def get_hateoas_url(request: Request) -> JSON:
    return {"hateoas_url": hateoas_url(request)}
