"""Reports of what was used on a node, from the wire to the domain."""

from datetime import datetime

from slapcore.protocol import consumption
from slapmaster.domain.usage import Movement
from slapmaster.domain.usage import Usage


def read_usages(xml: str) -> list[Usage]:
    """Read a usage report; raises ``ProtocolError``."""
    return [to_usage(one) for one in consumption.read_usage(xml).transactions]


def to_usage(transaction: consumption.Transaction) -> Usage:
    movements = tuple(
        Movement(movement.reference, movement.resource, movement.quantity, movement.price)
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
