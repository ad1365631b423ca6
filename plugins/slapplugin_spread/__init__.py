"""Allocation policy: put the next instance on the emptiest of the nodes looked at."""

from collections.abc import Sequence

from slapmaster import hookimpl
from slapmaster.domain.node import ComputePartition


@hookimpl
def slapmaster_choose_partition(candidates: Sequence[ComputePartition]) -> ComputePartition:
    return max(candidates, key=lambda partition: partition.node.free_count())
