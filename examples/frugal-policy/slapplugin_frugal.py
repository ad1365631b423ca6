"""Allocation policy: a small node rather than a large one, so that the large ones stay free."""

from slapmaster import hookimpl

#: What a node is taken to have whose memory nobody has said.
UNKNOWN = 1_000


@hookimpl
def slapmaster_choose_place(candidates):
    return min(candidates, key=memory_of)


def memory_of(place):
    return int(place.categories.get("memory_size", UNKNOWN))
