"""Reports of what was used on a node."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import ProtocolError
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import words
from slapmaster.api.classic.subject import the_node
from slapmaster.api.usage import read_usages
from slapmaster.domain.usage import report_usage


@Endpoint(
    name="useComputer", method="POST", about=the_node,
    permission="node.report", required=("computer_id", "use_string"),
)  # fmt: skip
def use(request: Request) -> Response:
    usages = read_usages(request.fields["use_string"])
    report_usage(request.act, request.context.node, usages)
    return words("OK")


@Endpoint(
    name="ingestData", method="POST", about=the_node,
    permission="node.report", required=("computer_id",), optional=("data",),
)  # fmt: skip
def ingest(request: Request) -> Response:
    raise ProtocolError("this master has no store for ingested data")
