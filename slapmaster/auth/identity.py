"""Who asks: a person, a node or an instance; or, on one's own machine, the one who may do all."""

from dataclasses import dataclass

from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.person import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks.  At most one of ``person``, ``node`` and ``instance`` is set.

    ``alone`` says that this is one person on one machine: whoever reaches the master is that
    person, that node and every instance on it.  ``claim`` narrows it all to one partition,
    given by the node's reference and its own name.
    """

    reference: str
    person: Person | None = None
    node: ComputeNode | None = None
    instance: SoftwareInstance | None = None
    alone: bool = False
    claim: tuple[str, str] | None = None
