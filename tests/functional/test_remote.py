"""What is placed on a remote node runs in another project, or at another master over HTTP."""

import socket
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from slapcore.errors import SlapError
from slapcore.protocol import marshal
from slapcore.states import ReleaseState
from slapmaster import forward
from slapmaster.app import Parts
from slapmaster.domain.installation import supply
from slapmaster.domain.node import AllocationScope
from slapmaster.domain.project import Role
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.registration import change_scope
from slapmaster.domain.remote import Way
from slapmaster.domain.remote import make_remote_node
from slapmaster.domain.waiting import allocate
from slapmaster.domain.waiting import release_place
from slapmaster.forward import Forwarder
from slapmaster.forward import forwarding
from slapmaster.master import Master
from slapmaster.settings import Settings
from tests.served import RELEASE
from tests.served import Served

TITLE = "_remote_PROJ-1_SOFTINST-1"


@pytest.fixture
def master(make_master):
    return make_master()


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def forwarder(master, tmp_path):
    return Forwarder(opened(master, tmp_path))


@pytest.fixture
def served():
    # A short path: there is a socket in it.
    with tempfile.TemporaryDirectory(prefix="remote-") as folder:
        other = Served(Path(folder))
        other.start()
        other.format(2)
        yield other
        other.stop()


def opened(master, tmp_path, **settings):
    parts = Parts(store=master.store, issuer=master.issuer)
    return Master(settings=Settings(data_directory=tmp_path, **settings), parts=parts)


def add_remote(master, project, way, partitions=3):
    def operation(act):
        node = make_remote_node(act, act.site.projects[project], "cloud", partitions, way)
        supply(act, node, RELEASE, ReleaseState.AVAILABLE)
        return node.reference

    return master.change(operation)


def ask(person, title="web", status=200, **wanted):
    return person.ask(title, url=RELEASE, status=status, **wanted)


def look(master, title, what):
    def reading(site):
        return [what(one) for one in site.instances if one.title == title]

    return master.look(reading)


def status_of(master, title):
    [found] = look(master, title, lambda one: one.access.text)
    return found


def requested(served, title=TITLE):
    """Give what the other master has under ``title``: its parameters, its state, its place."""
    for one in served.partitions():
        parameters = one.attributes.get("_parameter_dict") or {}
        if parameters.get("instance_title") == title:
            attributes = one.attributes
            return parameters, attributes["_requested_state"], attributes["_partition_id"]
    return None


@contextmanager
def listening(answer):
    """Listen, and answer whoever connects with these bytes, or not at all."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        kept = []

        def serve():
            while True:
                try:
                    peer, _ = door.accept()
                except OSError:
                    return
                kept.append(peer)
                if answer is not None:
                    peer.recv(65536)
                    peer.sendall(answer)
                    peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for peer in kept:
            peer.close()


def test_it_lives_at_another_master_from_the_order_to_the_end(
    master, person, project, forwarder, served
):
    node = add_remote(master, project, Way(url=f"http://127.0.0.1:{served.port}"))
    ask(person, parameters={"colour": "red"})
    forwarder.look_after(node)
    parameters, state, place = requested(served)
    assert (parameters["colour"], state) == ("red", "started")
    assert status_of(master, "web") == f"#access at the remote, in {place} of local_computer"
    connection = marshal.encode({"url": "http://[::1]/"}).decode()
    publish = "setComputerPartitionConnectionXml"
    assert served.post(publish, place, connection_xml=connection, slave_reference="None") == 200
    forwarder.look_after(node)
    got = person.request("web", url=RELEASE, parameters={"colour": "blue"})
    assert got.attributes["_connection_dict"] == {"url": "http://[::1]/"}
    ask(person, parameters={"colour": "blue"}, state="stopped")
    forwarder.look_after(node)
    assert requested(served)[0]["colour"] == "blue"
    assert requested(served)[1] == "stopped"
    ask(person, state="destroyed")
    forwarder.look_after(node)
    assert requested(served)[1] == "destroyed"
    assert look(master, "web", lambda one: one) == []
    assert master.look(lambda site: list(site.nodes[node].remote.forwarded)) == []


def test_a_remote_without_room_is_asked_again_until_it_has_some(
    master, person, project, forwarder, served
):
    node = add_remote(master, project, Way(url=f"http://127.0.0.1:{served.port}"))
    served.format(0)
    ask(person)
    forwarder.look_after(node)
    assert status_of(master, "web").startswith("#error at the remote: no place")
    served.format(1)
    forwarder.look_after(node)
    assert status_of(master, "web").startswith("#access at the remote")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n<marshal><rubbish/>", "#error at the remote: "),
        (b"HTTP/1.0 200 OK\r\n\r\n", "#error at the remote: "),
        (b"SSH-2.0-OpenSSH\r\n", ""),
        (b"HTTP/1.0 500 Oops\r\n\r\nboom", ""),
        (b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", ""),
        (None, ""),
    ],
)
def test_a_remote_that_answers_garbage_or_nothing_delays_only_itself(
    master, person, project, tmp_path, monkeypatch, answer, why
):
    monkeypatch.setattr(forward, "PATIENCE", 1.0)
    local = master.add_node(project, "local", partitions=3)
    person.supply(local, RELEASE)
    with listening(answer) as url:
        node = add_remote(master, project, Way(url=url))
        ask(person, demands={"computer_guid": node})
        forwarder = Forwarder(opened(master, tmp_path))
        forwarder.begin_round()
        begin = time.monotonic()
        ask(person, "other", demands={"computer_guid": local.reference})
        assert time.monotonic() - begin < 1.0
        forwarder.begin_round()  # who is still being asked is not asked twice
        forwarder.end(patience=30.0)
        forwarder = Forwarder(opened(master, tmp_path))
        forwarder.look_after(node)
    if why:
        assert status_of(master, "web").startswith(why)
    else:
        assert master.look(lambda site: site.nodes[node].access.text).startswith("#error ")
        refused = ask(person, "late", demands={"computer_guid": node}, status=408).text
        assert "reports an error" in refused


def test_it_lives_in_another_project_of_the_same_master(master, person, project, forwarder):
    other = master.add_project("theirs", person)
    theirs = master.add_node(other, "n", partitions=1)
    person.supply(theirs, RELEASE)
    node = add_remote(master, project, Way(person=person.reference, project=other))
    ask(person, project=project)
    forwarder.look_after(node)
    [there] = look(master, TITLE, lambda one: one.partition.node.reference)
    assert there == theirs.reference

    def publish(act):
        [found] = [one for one in act.site.instances if one.title == TITLE]
        publish_connection(act, found, {"url": "http://x"})

    master.change(publish)
    forwarder.look_after(node)
    got = person.request("web", url=RELEASE, project=project)
    assert got.attributes["_connection_dict"] == {"url": "http://x"}
    ask(person, project=project, state="destroyed")
    forwarder.look_after(node)
    assert look(master, TITLE, lambda one: str(one.state)) == ["destroyed"]


def test_what_was_forwarded_is_not_forwarded_again(master, person, project, forwarder):
    other = master.add_project("theirs", person)
    there = add_remote(master, project, Way(person=person.reference, project=other))
    add_remote(master, other, Way(person=person.reference, project=project))
    ask(person, project=project)
    forwarder.look_after(there)
    [why] = look(master, TITLE, lambda one: one.waiting_for)
    assert "1: remote, and it was forwarded already" in why
    assert status_of(master, "web").startswith("#error at the remote: no place on 1 nodes")


def test_what_lives_remotely_hosts_nobody(master, person, project):
    add_remote(master, project, Way(url="http://127.0.0.1:1"))
    ask(person)
    assert "can host this" in ask(person, "share", shared=True, status=408).text


@pytest.mark.parametrize(
    "way",
    [
        Way(),
        Way(url="http://127.0.0.1:1", person="PERS-1"),
        Way(person="PERS-1", project="PROJ-1"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(master, person, project, way):
    with pytest.raises(SlapError, match="remote"):
        add_remote(master, project, way)


def test_a_remote_node_has_a_title_of_its_own_and_some_partitions(master, project):
    way = Way(url="http://127.0.0.1:1")
    add_remote(master, project, way)
    with pytest.raises(SlapError, match="there is a node 'cloud' in PROJ-1 already"):
        add_remote(master, project, way)
    with pytest.raises(SlapError, match="can't have 0 partitions"):
        add_remote(master, project, way, partitions=0)


def test_what_has_moved_on_meanwhile_is_ended_at_the_remote(
    master, person, project, forwarder, served
):
    node = add_remote(master, project, Way(url=f"http://127.0.0.1:{served.port}"))
    ask(person)
    forwarder.look_after(node)
    master.change(lambda act: change_scope(act, act.site.nodes[node], AllocationScope.FOREVER))
    assert requested(served)[1] == "started"

    def leave(act):
        [found] = act.site.instances
        release_place(act, found)
        act.site.room.leave(found)
        allocate(act, found)

    master.change(leave)
    forwarder.look_after(node)
    assert requested(served)[1] == "destroyed"


def test_a_stranger_s_project_is_no_remote(master, person, project):
    other = master.add_project("theirs", master.add_person("stranger"))
    way = Way(person=person.reference, project=other)
    with pytest.raises(SlapError, match="is no member of"):
        add_remote(master, project, way)
    master.give_role(other, person, Role.CUSTOMER)
    assert add_remote(master, project, way)


def test_the_server_goes_round_by_itself(master, person, project, tmp_path, served):
    add_remote(master, project, Way(url=f"http://127.0.0.1:{served.port}"))
    ask(person)
    with forwarding(opened(master, tmp_path, forward_seconds=0.1)):
        deadline = time.monotonic() + 20
        while requested(served) is None and time.monotonic() < deadline:
            time.sleep(0.1)
    assert requested(served) is not None
