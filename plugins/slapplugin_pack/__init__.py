"""Allocation policy: fill a node before the next one is begun."""

from collections.abc import Sequence

from slapmaster import hookimpl
from slapmaster.domain.policy import Candidate


@hookimpl
def slapmaster_choose_place(candidates: Sequence[Candidate]) -> Candidate:
    return min(candidates, key=lambda place: place.free)
