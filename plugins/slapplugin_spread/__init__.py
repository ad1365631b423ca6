"""Allocation policy: put the next instance on the emptiest of the nodes looked at."""

from collections.abc import Sequence

from slapmaster import hookimpl
from slapmaster.domain.policy import Candidate


@hookimpl
def slapmaster_choose_place(candidates: Sequence[Candidate]) -> Candidate:
    return max(candidates, key=lambda place: place.free)
