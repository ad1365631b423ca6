"""What nodes report of what their partitions consumed."""

from collections.abc import Sequence
from dataclasses import dataclass

from slapcore.errors import InvalidValue
from slapmaster.domain.act import Act
from slapmaster.domain.node import ComputeNode


@dataclass(frozen=True, slots=True)
class Movement:
    """So much of a resource, used by an instance or by the node as such."""

    subject: str
    resource: str
    quantity: float
    price: float


@dataclass(frozen=True, slots=True)
class Usage:
    """One transaction of a report; times are in microseconds."""

    title: str
    start: int
    stop: int
    movements: tuple[Movement, ...]


def report_usage(act: Act, node: ComputeNode, usages: Sequence[Usage]) -> None:
    """Keep what ``node`` says was used on it.

    A movement may name the node, an instance on it, or a partition of it: then the instance
    that lives there.  Raises ``InvalidValue``, and keeps nothing, for anything else and for
    a time that has not come.  Reporting the same period twice replaces it.
    """
    living = {
        partition.instance.reference
        for partition in node.partitions.values()
        if partition.instance is not None
    }
    for usage in usages:
        if usage.stop > act.now:
            raise InvalidValue(f"the usage report {usage.title!r} ends in the future")
    resolved = [
        (usage, tuple(_attribute(node, living, movement) for movement in usage.movements))
        for usage in usages
    ]
    for usage, movements in resolved:
        key = (usage.start, usage.stop, usage.title)
        node.usage[key] = movements


def _attribute(node: ComputeNode, living: set[str], movement: Movement) -> Movement:
    subject = movement.subject
    partition = node.partitions.get(subject)
    if partition is not None and partition.instance is not None:
        subject = partition.instance.reference
    elif partition is not None:
        subject = node.reference
    elif subject != node.reference and subject not in living:
        raise InvalidValue(f"{subject!r} is neither {node.reference} nor anything on it")
    return Movement(subject, movement.resource, movement.quantity, movement.price)
