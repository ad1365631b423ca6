"""What a node says to its master, and what it asks.

Every report but that of what was used may be made again, and is when its answer is lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from slapcore.errors import Conflict
from slapcore.errors import NotOffered
from slapcore.errors import ProtocolError
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import write_description
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import NodeView
from slapcore.protocol.documents import read_computer
from slapcore.protocol.documents import read_partition
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Question
from slapcore.slap.wish import write_value

WAIT = "waitForComputerInformation"
#: The header that says which orders a node's document holds.
ORDERS = "X-Slapmaster-Orders"
#: Seconds that an answer may come later than when the waiting is over.
MARGIN = 30.0

#: What masters answer to a report that they have taken.
TAKEN = frozenset({"", "None", "OK", "Ignored", "done"})


@dataclass(frozen=True)
class Credentials:
    """A certificate and its key, both as PEM text."""

    certificate: str
    key: str


class AsNode:
    """A node at the master's door; ``reference`` is its own."""

    def __init__(self, connection: Connection, reference: str) -> None:
        self.connection = connection
        self.reference = reference
        self._etag = ""
        self._orders = ""
        self._known: NodeView | None = None

    def see(self) -> NodeView:
        """Read what this node is to run; it is the very same object while nothing has changed."""
        answer = self.connection.get(
            "getFullComputerInformation", {"computer_id": self.reference}, etag=self._etag
        )
        self._orders = answer.headers.get(ORDERS, "")
        if answer.is_unchanged and self._known is not None:
            return self._known
        self._known = read_computer(answer.decode())
        self._etag = answer.etag
        return self._known

    def wait_for_orders(self, seconds: int) -> bool:
        """Wait until there is something else to do than was last seen; tell whether there is.

        Raises ``NotOffered`` when the master doesn't offer to wait.
        """
        if not self._orders:
            raise NotOffered("this master does not say when there are new orders")
        query = {"computer_id": self.reference, "since": self._orders, "timeout": str(seconds)}
        patience = seconds + MARGIN
        answer = self.connection.ask(Question(path=WAIT, query=query, patience=patience))
        told = answer.decode()
        if not isinstance(told, dict):
            raise ProtocolError(f"the orders are a {type(told).__name__}, not a dictionary")
        return bool(told.get("changed"))

    def see_partition(self, partition: str) -> InstanceView | None:
        """Read what one partition is to run; nothing when it is free."""
        fields = {
            "computer_reference": self.reference,
            "computer_partition_reference": partition,
        }
        answer = self.connection.get("registerComputerPartition", fields)
        return read_partition(answer.decode()).instance

    def building(self, url: str) -> None:
        """Say that a release is being built."""
        self._say("buildingSoftwareRelease", url=url)

    def available(self, url: str) -> None:
        self._say("availableSoftwareRelease", url=url)

    def release_failed(self, url: str, log: str) -> None:
        self._say("softwareReleaseError", url=url, error_log=log)

    def release_destroyed(self, url: str) -> None:
        """Say that a release which was to go is gone."""
        self._say("destroyedSoftwareRelease", url=url)

    def started(self, partition: str) -> None:
        self._say("startedComputerPartition", computer_partition_id=partition)

    def stopped(self, partition: str) -> None:
        self._say("stoppedComputerPartition", computer_partition_id=partition)

    def failed(self, partition: str, log: str) -> None:
        self._say("softwareInstanceError", computer_partition_id=partition, error_log=log)

    def destroyed(self, partition: str) -> None:
        """Say that the instance is gone; raises ``Conflict`` while the master won't have that.

        Then it is to be said again later: there are children to be gone first, for one.
        """
        words = self._say("destroyedComputerPartition", computer_partition_id=partition)
        if words not in TAKEN:
            raise Conflict(words)

    def bang(self, partition: str, message: str) -> None:
        """Have the whole tree of the instance processed again."""
        self._say("softwareInstanceBang", computer_partition_id=partition, message=message)

    def bang_all(self, message: str) -> None:
        """Have everything on this node processed again."""
        self._say("computerBang", message=message)

    def note_related(self, partition: str, titles: Iterable[str]) -> None:
        """Say which children the instance has asked for in this run."""
        self._say(
            "updateComputerPartitionRelatedInstanceList",
            computer_partition_id=partition,
            instance_reference_xml=write_value(list(titles)),
        )

    def describe(self, description: NodeDescription) -> None:
        """Post the format: which partitions there are, with which addresses."""
        self.connection.post(
            "loadComputerConfigurationFromXML",
            {"xml": write_value(write_description(description))},
            repeatable=True,
        )

    def use(self, report: str) -> None:
        """Post a usage report (XML); it counts each time that it arrives."""
        fields = {"computer_id": self.reference, "use_string": report}
        self.connection.post("useComputer", fields)

    def fetch_credentials(self, partition: str) -> Credentials | None:
        """Fetch the certificate and key of an instance; nothing from a master without any."""
        told = self._ask("getComputerPartitionCertificate", partition)
        if not isinstance(told, dict):
            raise ProtocolError(f"the certificate is a {type(told).__name__}, not a dictionary")
        certificate, key = told.get("certificate"), told.get("key")
        if not certificate or not key:
            return None
        return Credentials(str(certificate), str(key))

    def list_tree_addresses(self, partition: str) -> tuple[tuple[str, str], ...]:
        """List interface and address of all instances in the tree of this one."""
        told = self._ask("getHostingSubscriptionIpList", partition)
        rows = told if isinstance(told, list | tuple) else ()
        return tuple((str(row[0]), str(row[1])) for row in rows)

    def _ask(self, name: str, partition: str) -> object:
        fields = {"computer_id": self.reference, "computer_partition_id": partition}
        return self.connection.get(name, fields).decode()

    def _say(self, name: str, **fields: str) -> str:
        said = {"computer_id": self.reference, **fields}
        return self.connection.post(name, said, repeatable=True).text.strip()
