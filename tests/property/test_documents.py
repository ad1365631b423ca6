"""Whatever is done in whatever order: the document a node is given is true, and time only grows.

Two nodes, one person and the instances themselves do at random what the protocol lets them do.
After each step the documents kept in memory are compared with documents made anew.
"""

from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import rule

from slapmaster.api.nodeview import NodeDocuments
from tests.driver import RELEASE
from tests.driver import Master
from tests.driver import make_issuer
from tests.driver import marshalled

OTHER = "https://example.com/other.cfg"
NEVER_SUPPLIED = "https://example.com/never.cfg"
ISSUER = make_issuer()

titles = st.sampled_from("abcd")
urls = st.sampled_from([RELEASE, OTHER, NEVER_SUPPLIED])
states = st.sampled_from([None, "started", "stopped", "destroyed"])
texts = st.sampled_from(["", "x", "y"])
nodes = st.sampled_from([0, 1])
places = st.sampled_from(range(4))


class Life(RuleBasedStateMachine):
    """All that can happen to two nodes and what lives on them."""

    @initialize()
    def begin(self):
        self.master = Master(None, ISSUER)
        self.person = self.master.add_person("owner")
        project = self.master.add_project("mine", self.person)
        self.nodes = [self.master.add_node(project, f"n{n}", partitions=3) for n in range(2)]
        self.person.supply(self.nodes[0])
        self.stamps = {}

    def teardown(self):
        if hasattr(self, "master"):
            assert self.master.close() == []

    @rule(title=titles, url=urls, text=texts, state=states, shared=st.booleans(), kind=texts)
    def ask(self, title, url, text, state, shared, kind):
        wanted = {"url": url, "state": state, "shared": shared, "parameters": {"text": text}}
        self.person.ask(title, software_type=f"type{kind}", status="*", **wanted)

    @rule(node=nodes, place=places, title=titles, state=states, shared=st.booleans(), text=texts)
    def ask_for_child(self, node, place, title, state, shared, text):
        wanted = {"state": state, "shared": shared, "parameters": {"text": text}}
        speaker = self.speaker(node, place)
        if speaker is not None:
            speaker.ask(title, status="*", **wanted)

    @rule(node=nodes, place=places, text=texts, share=st.integers(0, 2))
    def publish(self, node, place, text, share):
        speaker = self.speaker(node, place)
        if speaker is not None:
            shares = self.shares(node, place)
            shared = shares[share - 1] if 0 < share <= len(shares) else "None"
            fields = {"connection_xml": marshalled({"text": text}), "slave_reference": shared}
            self.say(speaker, "setComputerPartitionConnectionXml", {**speaker.place, **fields})

    @rule(node=nodes, place=places, title=titles)
    def rename(self, node, place, title):
        speaker = self.speaker(node, place)
        if speaker is not None:
            self.say(speaker, "softwareInstanceRename", {**speaker.place, "new_name": title * 2})

    @rule(
        node=nodes,
        place=places,
        call=st.sampled_from(
            ["startedComputerPartition", "stoppedComputerPartition", "destroyedComputerPartition"]
        ),
    )
    def report(self, node, place, call):
        self.say(self.nodes[node], call, self.nodes[node].at(f"slappart{place}"))

    @rule(node=nodes, place=places, text=texts)
    def fail(self, node, place, text):
        fields = {**self.nodes[node].at(f"slappart{place}"), "error_log": text}
        self.say(self.nodes[node], "softwareInstanceError", fields)

    @rule(node=nodes, place=places)
    def bang(self, node, place):
        self.say(
            self.nodes[node], "softwareInstanceBang", self.nodes[node].at(f"slappart{place}")
        )

    @rule(node=nodes)
    def bang_node(self, node):
        self.say(self.nodes[node], "computerBang", {"computer_id": self.nodes[node].reference})

    @rule(node=nodes, url=urls, state=st.sampled_from(["available", "destroyed"]))
    def supply(self, node, url, state):
        fields = {"computer_id": self.nodes[node].reference, "url": url, "state": state}
        self.say(self.person, "supplySupply", fields)

    @rule(node=nodes, url=urls)
    def remove_release(self, node, url):
        fields = {"computer_id": self.nodes[node].reference, "url": url}
        self.say(self.nodes[node], "destroyedSoftwareRelease", fields)

    @rule(node=nodes, count=st.integers(0, 4), text=st.sampled_from(["10.0.0.1", "10.0.0.2"]))
    def format(self, node, count, text):
        self.nodes[node].format(count, address=text)

    def say(self, asker, call, fields):
        answer = asker.post(call, fields, status="*")
        assert answer.status_int < 500

    def speaker(self, node, place):
        """Give the instance that lives there, if one does and may still speak."""
        name = f"slappart{place}"
        partition = self.nodes[node].at(name)
        answer = self.nodes[node].get("getComputerPartitionCertificate", partition, status="*")
        return self.master.instance_at(self.nodes[node], name) if answer.status_int == 200 else None

    def shares(self, node, place):
        def read(site):
            partition = site.nodes[self.nodes[node].reference].partitions[f"slappart{place}"]
            return [shared.reference for shared in partition.shared_instances()]

        return self.master.look(read)

    @invariant()
    def documents_are_true(self):
        for node in getattr(self, "nodes", ()):
            kept = node.get("getFullComputerInformation", {"computer_id": node.reference}).body
            made = self.master.look(
                lambda site, node=node: NodeDocuments().document_of(site.nodes[node.reference])
            )
            assert kept == made.body

    @invariant()
    def timestamps_only_grow(self):
        for node in getattr(self, "nodes", ()):
            for told in node.see().attributes["_computer_partition_list"]:
                stamp = told.attributes.get("_parameter_dict", {}).get("timestamp")
                key = (node.reference, told.attributes["_partition_id"])
                if stamp is not None:
                    assert stamp >= self.stamps.get(key, 0)
                    self.stamps[key] = stamp

    @invariant()
    def nothing_is_broken(self):
        if hasattr(self, "master"):
            assert self.master.problems() == []


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
