"""A master that only keeps a diary: what a node's agent says, and what it is told to answer."""

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from slapcore.errors import SlapError
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import NodeView
from slapcore.protocol.documents import PartitionView
from slapcore.protocol.documents import ReleaseView
from slapcore.slap.as_node import Credentials
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

NODE = "COMP-1"


@dataclass
class DiaryMaster:
    """Has the methods of the client library's node; ``said`` is what was called, in order."""

    releases: dict[str, str] = field(default_factory=dict)
    instances: dict[str, InstanceView] = field(default_factory=dict)
    said: list[tuple[str, ...]] = field(default_factory=list)
    credentials: Credentials | None = None
    #: name of a method -> what it raises
    troubles: dict[str, SlapError] = field(default_factory=dict)

    def order(self, partition: str, release: str, state: str = "started", **more) -> None:
        self.instances[partition] = InstanceView(**{
            "computer_guid": NODE, "partition_id": partition, "instance_guid": f"SI-{partition}",
            "title": partition, "root_title": partition, "root_short_title": "",
            "software_type": "default", "release_url": release, "state": state, "timestamp": 1,
            "access_status": "#error no data found", **more,
        })  # fmt: skip

    def change(self, partition: str, **more) -> None:
        self.instances[partition] = replace(self.instances[partition], **more)

    def words(self, verb: str) -> list[tuple[str, ...]]:
        return [each[1:] for each in self.said if each[0] == verb]

    def see(self) -> NodeView:
        self._say("see")
        return NodeView(
            computer_guid=NODE,
            releases=tuple(
                ReleaseView(url=url, computer_guid=NODE, state=ReleaseState(state))
                for url, state in self.releases.items()
            ),
            partitions=tuple(
                PartitionView(
                    computer_guid=NODE, partition_id=name, state=InstanceState(view.state),
                    instance=view,
                )
                for name, view in self.instances.items()
            ),
        )  # fmt: skip

    def _say(self, verb: str, *words: str) -> None:
        self.said.append((verb, *words))
        if verb in self.troubles:
            raise self.troubles[verb]

    def fetch_credentials(self, partition: str) -> Credentials | None:
        self._say("fetch_credentials", partition)
        return self.credentials

    def note_related(self, partition: str, titles: list[str]) -> None:
        self._say("note_related", partition, *titles)

    def __getattr__(self, verb: str):
        if verb.startswith("__"):
            raise AttributeError(verb)
        return lambda *words: self._say(verb, *words)
