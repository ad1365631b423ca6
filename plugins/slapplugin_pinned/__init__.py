"""Allocation policy: stay with the requester, else with the root of the tree, if there is room."""

from collections.abc import Sequence

from slapmaster import hookimpl
from slapmaster.domain.policy import Candidate


@hookimpl
def slapmaster_choose_place(candidates: Sequence[Candidate]) -> Candidate:
    return max(candidates, key=lambda place: (place.near, place.free))
