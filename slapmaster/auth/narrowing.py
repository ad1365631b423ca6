"""``Authorization: X-SlapPartition computer_id=…, computer_partition_id=…``: a claim, no proof.

A program in a partition says by it which partition it speaks for.  It may narrow what the
certificate proves and never replace it: a node may narrow itself to one of its partitions, an
instance only to where it lives.
"""

import re
from dataclasses import replace

from pyramid.request import Request

from slapcore.errors import NotFound
from slapmaster.auth.identity import Identity

CLAIM = re.compile(r"X-SlapPartition computer_id=([^,]*), computer_partition_id=(.*)")


def narrow(request: Request, identity: Identity) -> Identity:
    """Give ``identity`` as the request narrows it; raises ``NotFound`` for a false claim."""
    claim = read_claim(request)
    if claim is None:
        return identity
    check_claim(identity, claim)
    return replace(identity, claim=claim)


def read_claim(request: Request) -> tuple[str, str] | None:
    """Give node and partition of the claim; ``None`` when there is none."""
    found = CLAIM.fullmatch(request.headers.get("Authorization", ""))
    return (found[1], found[2]) if found else None


def check_claim(identity: Identity, claim: tuple[str, str]) -> None:
    """Refuse a claim to a partition that ``identity`` does not speak for."""
    if identity.alone:
        return
    node, name = claim
    if identity.node is not None and identity.node.reference == node:
        return
    place = identity.instance.partition if identity.instance is not None else None
    if place is None or (place.node.reference, place.name) != claim:
        raise NotFound(f"no partition {name!r} on {node}")
