"""Reports of what was used on a node."""

from datetime import datetime

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import ProtocolError
from slapcore.protocol import consumption
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import words
from slapmaster.api.classic.subject import the_node
from slapmaster.domain.usage import Movement
from slapmaster.domain.usage import Usage
from slapmaster.domain.usage import report_usage


@Endpoint(
    name="useComputer", method="POST", about=the_node,
    permission="node.report", required=("computer_id", "use_string"),
)  # fmt: skip
def use(request: Request) -> Response:
    report = consumption.read_usage(request.fields["use_string"])
    report_usage(request.act, request.context.node, [to_usage(one) for one in report.transactions])
    return words("OK")


def to_usage(transaction: consumption.Transaction) -> Usage:
    movements = tuple(
        Movement(
            movement.reference, movement.resource, movement.quantity, movement.price
        )
        for movement in transaction.movements
    )
    return Usage(
        transaction.title or transaction.reference,
        microseconds(transaction.start),
        microseconds(transaction.stop),
        movements,
    )


def microseconds(moment: datetime | None) -> int:
    """Give a time as the domain counts it; one that is not told is as old as can be."""
    return int(moment.timestamp() * 1_000_000) if moment is not None else 0


@Endpoint(
    name="ingestData", method="POST", about=the_node,
    permission="node.report", required=("computer_id",), optional=("data",),
)  # fmt: skip
def ingest(request: Request) -> Response:
    raise ProtocolError("this master has no store for ingested data")
