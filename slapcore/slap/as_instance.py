"""What an instance says to its master, and what it asks: it is known by its own certificate.

A master without certificates believes the partition that is named.
"""

from collections.abc import Iterable
from collections.abc import Mapping

from slapcore.errors import NotFound
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import read_partition
from slapcore.slap.connection import Answer
from slapcore.slap.connection import Connection
from slapcore.slap.wish import Wish
from slapcore.slap.wish import request
from slapcore.slap.wish import write_value


class AsInstance:
    """The instance in ``partition`` of ``node`` at the master's door."""

    def __init__(self, connection: Connection, node: str, partition: str) -> None:
        self.connection = connection
        self.place = {"computer_id": node, "computer_partition_id": partition}
        claim = ", ".join(f"{name}={value}" for name, value in self.place.items())
        self._headers = {"Authorization": f"X-SlapPartition {claim}"}

    def see(self) -> InstanceView:
        """Read what this instance is to be."""
        fields = {
            "computer_reference": self.place["computer_id"],
            "computer_partition_reference": self.place["computer_partition_id"],
        }
        answer = self.connection.get("registerComputerPartition", fields)
        instance = read_partition(answer.decode()).instance
        if instance is None:
            raise NotFound(f"nothing lives in {self.place['computer_partition_id']}")
        return instance

    def request(self, wish: Wish) -> InstanceView:
        """Ask for a child; raises ``NotReady`` while it has no place."""
        return request(lambda form: self._post("requestComputerPartition", **form), wish)

    def publish(self, connection: Mapping[str, str], *, shared: str = "") -> None:
        """Publish connection parameters: its own, or those of a shared instance it hosts."""
        self._post(
            "setComputerPartitionConnectionXml",
            connection_xml=write_value(dict(connection)),
            slave_reference=shared or "None",
        )

    def bang(self, message: str) -> None:
        """Have the whole tree processed again."""
        self._post("softwareInstanceBang", message=message)

    def failed(self, log: str) -> None:
        self._post("softwareInstanceError", error_log=log)

    def rename(self, title: str, *, shared: str = "") -> None:
        """Take another title, or give one to a shared instance that this one hosts."""
        more = {"slave_reference": shared} if shared else {}
        self._post("softwareInstanceRename", new_name=title, **more)

    def note_related(self, titles: Iterable[str]) -> None:
        """Say which children were asked for in this run."""
        self._post(
            "updateComputerPartitionRelatedInstanceList",
            instance_reference_xml=write_value(list(titles)),
        )

    def _post(self, name: str, **fields: str) -> Answer:
        said = {**self.place, **fields}
        return self.connection.post(name, said, headers=self._headers, repeatable=True)
