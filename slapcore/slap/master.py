"""The front door: a master, and who stands there.  Open this first."""

from slapcore.slap.as_instance import AsInstance
from slapcore.slap.as_node import AsNode
from slapcore.slap.as_person import AsPerson
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Target


class Master:
    """One master; whoever speaks proves to be who they are by the certificate of the target."""

    def __init__(self, target: Target) -> None:
        self.connection = Connection(target)

    def as_node(self, reference: str) -> AsNode:
        return AsNode(self.connection, reference)

    def as_instance(self, node: str, partition: str) -> AsInstance:
        return AsInstance(self.connection, node, partition)

    def as_person(self) -> AsPerson:
        return AsPerson(self.connection)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> "Master":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
