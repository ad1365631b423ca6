"""Allocation policy: any place is as good as any other."""

import random
from collections.abc import Sequence

from slapmaster import hookimpl
from slapmaster.domain.policy import Candidate


@hookimpl
def slapmaster_choose_place(candidates: Sequence[Candidate]) -> Candidate:
    return random.choice(candidates)
