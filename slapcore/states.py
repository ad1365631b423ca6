"""The words for states, as they travel, and which may follow which."""

from enum import StrEnum


class InstanceState(StrEnum):
    """What is wanted of an instance."""

    STARTED = "started"
    STOPPED = "stopped"
    DESTROYED = "destroyed"


class ReleaseState(StrEnum):
    """What is wanted of a software release on a node."""

    AVAILABLE = "available"
    DESTROYED = "destroyed"


#: Destroyed is the end: nothing follows it.
NEXT_INSTANCE_STATES: dict[InstanceState, frozenset[InstanceState]] = {
    InstanceState.STARTED: frozenset({InstanceState.STOPPED, InstanceState.DESTROYED}),
    InstanceState.STOPPED: frozenset({InstanceState.STARTED, InstanceState.DESTROYED}),
    InstanceState.DESTROYED: frozenset(),
}
