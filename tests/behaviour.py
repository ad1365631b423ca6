"""What a master does, whoever asks it and however: one body for each behaviour.

The drivers are elsewhere: a class of tests inherits the bodies, and brings the fixtures ``master``
and ``face`` with it.
"""

from dataclasses import replace

import pytest

from tests.driver import RELEASE
from tests.faces import FACES
from tests.faces import Refused


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def node(master, face, person):
    node = master.add_node(master.add_project("mine", person), "n", partitions=3)
    face.supply(person, node, RELEASE)
    return node


def refusal(call, *arguments, **more):
    with pytest.raises(Refused) as caught:
        call(*arguments, **more)
    return caught.value.kind


def see(face, node, title):
    return next(one for one in face.on(node) if one.title == title)


class Behaviour:
    """The bodies."""

    def test_what_was_asked_for_comes_back_and_the_node_sees_the_same(self, face, person, node):
        wanted = {"parameters": {"a": "b", "ü": "ß"}, "demands": {"computer_guid": node.reference}}
        seen = face.request(person, "web", **wanted)
        assert (seen.title, seen.state, seen.place[0]) == ("web", "started", node.reference)
        assert (seen.parameters, seen.demands) == (wanted["parameters"], wanted["demands"])
        assert face.on(node) == [seen]

    def test_asking_again_stores_nothing(self, master, face, person, node):
        first = face.request(person, "web", parameters={"a": "b"})
        with master.writing_nothing():
            assert face.request(person, "web", parameters={"a": "b"}) == first

    def test_any_face_goes_on_with_what_another_began(self, master, face, person, node):
        first = face.request(person, "web", parameters={"a": "b"})
        for other in FACES.values():
            with master.writing_nothing():
                assert other.request(person, "web", parameters={"a": "b"}) == first

    def test_what_waits_is_kept_and_placed_when_there_is_room(self, face, person, node):
        for number in range(3):
            face.request(person, f"web{number}")
        assert face.request(person, "late") is None
        node.format(4)
        assert see(face, node, "late").state == "started"

    def test_other_parameters_have_it_processed_again(self, face, person, node):
        first = face.request(person, "web", parameters={"a": "b"})
        second = face.request(person, "web", parameters={"a": "c"})
        assert second.timestamp > first.timestamp
        assert replace(second, timestamp=0) == replace(first, parameters={"a": "c"}, timestamp=0)

    def test_stop_and_start(self, face, person, node):
        for state in ("stopped", "started"):
            assert face.request(person, "web", state=state).state == state
            assert see(face, node, "web").state == state

    def test_an_instance_goes_when_it_was_told_to_and_its_node_says_so(self, face, person, node):
        seen = face.request(person, "web")
        assert refusal(face.say, node, seen, "destroyed") == "conflict"
        face.request(person, "web", state="destroyed")
        assert see(face, node, "web").state == "destroyed"
        face.say(node, seen, "destroyed")
        assert face.on(node) == []

    def test_to_destroy_what_never_was_stores_nothing(self, master, face, person, node):
        with master.writing_nothing():
            assert face.request(person, "never", state="destroyed") is None

    def test_an_instance_asks_for_children_and_they_go_with_it(self, master, face, person, node):
        face.request(person, "web")
        child = face.request(master.instance(node, "web"), "child", parameters={"a": "b"})
        assert child.parameters == {"a": "b"}
        face.request(person, "web", state="destroyed")
        assert {one.state for one in face.on(node)} == {"destroyed"}

    def test_a_shared_instance_lives_in_its_host(self, face, person, node):
        host = face.request(person, "web")
        shared = face.request(person, "share", shared=True)
        assert shared.place == host.place
        assert see(face, node, "web").timestamp > host.timestamp
        assert refusal(face.request, person, "share") == "conflict"

    def test_its_requester_is_processed_again_when_it_publishes(self, master, face, person, node):
        parent = face.request(person, "web")
        child = face.request(master.instance(node, "web"), "child")
        speaker = master.instance(node, "child")
        face.publish(speaker, child, {"url": "http://x"})
        assert see(face, node, "child").connection == {"url": "http://x"}
        assert see(face, node, "web").timestamp > parent.timestamp
        with master.writing_nothing():
            face.publish(speaker, child, {"url": "http://x"})

    def test_a_bang_has_the_whole_tree_processed_again(self, master, face, person, node):
        face.request(person, "web")
        child = face.request(master.instance(node, "web"), "child")
        before = {one.guid: one.timestamp for one in face.on(node)}
        face.bang(master.instance(node, "child"), child)
        assert all(one.timestamp > before[one.guid] for one in face.on(node))

    def test_what_a_node_says_is_shown(self, master, face, person, node):
        seen = face.request(person, "web")
        face.say(node, seen, "started")
        assert face.status(person, seen) == "#access Instance correctly started"
        face.fail(node, seen, "it broke")
        assert face.status(person, seen).startswith("#error") and "it broke" in face.status(
            person, seen
        )
        face.say(node, seen, "stopped")
        with master.writing_nothing():
            face.say(node, seen, "stopped")

    def test_a_renamed_instance_is_found_by_its_new_title(self, master, face, person, node):
        seen = face.request(person, "web")
        face.rename(master.instance(node, "web"), seen, "other")
        assert [one.title for one in face.on(node)] == ["other"]
        assert face.request(person, "other").guid == seen.guid

    def test_only_its_node_gets_an_instance_s_key(self, master, face, person, node):
        seen = face.request(person, "web")
        assert "PRIVATE KEY" in face.key(node, seen)
        assert refusal(face.key, person, seen) == "forbidden"
        assert refusal(face.key, master.instance(node, "web"), seen) == "forbidden"

    def test_a_stranger_learns_nothing(self, master, face, person, node):
        seen = face.request(person, "web")
        stranger = master.add_person("stranger")
        other = master.add_node(master.add_project("theirs", stranger), "n2", partitions=1)
        with master.writing_nothing():
            for asker in (stranger, other):
                assert refusal(face.status, asker, seen) == "absent"
                assert refusal(face.say, asker, seen, "started") == "absent"
                assert refusal(face.publish, asker, seen, {}) == "absent"
                assert refusal(face.supply, asker, node, RELEASE) == "absent"
                assert refusal(face.key, asker, seen) == "absent"
            assert refusal(face.status, master.nobody(), seen) == "unknown asker"

    def test_what_can_t_be_is_refused_and_stores_nothing(self, master, face, person, node):
        with master.writing_nothing():
            assert refusal(face.request, person, "web", demands={"regoin": "x"}) == "wrong"
            assert refusal(face.request, person, "web", state="flying") == "wrong"
            assert refusal(face.request, person, " ") == "wrong"
            assert refusal(face.request, person, "x" * 201) == "wrong"
            assert refusal(face.supply, person, node, RELEASE, "flying") == "wrong"
            assert refusal(face.request, node, "web") in ("forbidden", "absent")

    def test_a_release_that_is_wanted_gone_takes_no_more_instances(self, face, person, node):
        face.supply(person, node, RELEASE, "destroyed")
        assert face.request(person, "web") is None
        face.supply(person, node, RELEASE)
        assert face.request(person, "web") is not None
