"""Publish how an instance is reached."""

from collections.abc import Mapping

from slapmaster.domain.act import Act
from slapmaster.domain.feed import EventKind
from slapmaster.domain.instance import Instance
from slapmaster.domain.telling import tell_of_instance
from slapmaster.domain.values import freeze


def publish_connection(act: Act, instance: Instance, parameters: Mapping[str, str]) -> bool:
    """Keep the connection parameters of ``instance``; tell whether they changed.

    Whoever asked for the instance is processed again, since its own configuration may hold
    what changed.
    """
    frozen = freeze(parameters, "connection parameters")
    if frozen == instance.connection.parameters:
        return False
    instance.connection.parameters = frozen
    instance.has_been_seen()
    act.note("connection published", instance.reference)
    tell_of_instance(act, EventKind.PUBLISHED, instance)
    if instance.requester is not None:
        instance.requester.touch(act.now)
    return True
