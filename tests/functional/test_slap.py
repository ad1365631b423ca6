"""The client library against a master that serves TLS: a node, instances, and what goes wrong."""

import socket
import ssl
import threading
import time
from dataclasses import replace
from hashlib import sha256

import pytest

from slapcore import errors
from slapcore.protocol import marshal
from slapcore.protocol.description import Address
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Target
from slapcore.slap.enrolment import fetch_person_credentials
from slapcore.slap.enrolment import register_node
from slapcore.slap.master import Master
from slapcore.slap.wish import Wish
from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from tests.calls import USAGE
from tests.commands import Slapmaster

RELEASE = "https://example.com/web/software.cfg"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Slapmaster(tmp_path_factory.mktemp("slap") / "data")
    made.init("--certificate-directory", made.directory.parent / "alice")
    return made


@pytest.fixture(scope="module")
def server(site):
    with site.serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def target(site, server):
    return Target(url=server.url, authority=site.directory / "authority.crt")


def proved_by(target, folder):
    return replace(target, certificate=folder / "certificate", key=folder / "key")


def keep(credentials, folder):
    folder.mkdir()
    (folder / "certificate").write_text(credentials.certificate)
    (folder / "key").write_text(credentials.key)
    return folder


def describe(reference, count):
    return NodeDescription(
        reference=reference,
        address="10.0.0.9",
        partitions=tuple(
            PartitionDescription(
                f"slappart{number}", (Address(f"slaptap{number}", f"10.0.0.{number}", "32"),)
            )
            for number in range(count)
        ),
    )


@pytest.fixture(scope="module")
def node(site, target, tmp_path_factory):
    """A node that has registered by a token, with ten partitions and a release supplied."""
    with Connection(target) as connection:
        new = register_node(connection, site.run("token", "node").strip(), "shelf")
    folder = keep(new.credentials, tmp_path_factory.mktemp("node") / "pki")
    with Master(proved_by(target, folder)) as master:
        node = master.as_node(new.reference)
        node.describe(describe(new.reference, 10))
        site.run("supply", new.reference, RELEASE)
        yield node


@pytest.fixture
def ask(site, target, node):
    """Ask for a service as alice, who runs the site."""
    with Master(proved_by(target, site.directory.parent / "alice")) as master:
        alice = master.as_person()
        yield lambda title, **more: alice.ask(Wish(title=title, release_url=RELEASE, **more))


@pytest.fixture
def enter(target, node, tmp_path):
    """Have an instance stand at the door, by the certificate that its node has fetched for it."""
    opened = []

    def enter(view):
        folder = keep(node.fetch_credentials(view.partition_id), tmp_path / view.partition_id)
        opened.append(Master(proved_by(target, folder)))
        return opened[-1].as_instance(node.reference, view.partition_id)

    yield enter
    for master in opened:
        master.close()


def told(node, title):
    found = [place.instance for place in node.see().partitions if place.instance is not None]
    return next(instance for instance in found if instance.title == title)


def test_a_node_sees_what_is_asked_of_it(node, ask):
    view = ask("seen", parameters={"a": "b", "ü": ""}, demands={"computer_guid": node.reference})
    seen = told(node, "seen")
    assert seen == replace(view, access_status=seen.access_status)
    assert (seen.parameters, seen.state) == ({"a": "b", "ü": ""}, "started")
    assert seen.ip_list[0][1].startswith("10.0.0.")
    (release,) = node.see().releases
    assert (release.url, release.state) == (RELEASE, ReleaseState.AVAILABLE)
    assert node.see_partition(view.partition_id) == replace(
        seen, access_status="#error no data found"
    )


def test_what_has_not_changed_is_not_sent_again(node, ask):
    ask("kept")
    node.see()
    first = node.see()
    assert node.see() is first
    ask("kept", parameters={"new": "1"})
    assert node.see() is not first


def test_a_node_waits_for_orders_and_hears_of_them(node, ask):
    ask("awaited")
    node.see()
    assert not node.wait_for_orders(1)
    timer = threading.Timer(0.5, lambda: ask("awaited", parameters={"new": "1"}))
    timer.start()
    began = time.monotonic()
    assert node.wait_for_orders(30)
    assert time.monotonic() - began < 10
    timer.join()
    assert told(node, "awaited").parameters == {"new": "1"}


def test_a_free_partition_is_to_be_emptied(node):
    free = next(place for place in node.see().partitions if place.instance is None)
    assert free.state is InstanceState.DESTROYED
    assert node.see_partition(free.partition_id) is None


def test_what_a_node_reports_is_shown(node, ask):
    place = ask("reported").partition_id
    node.building(RELEASE)
    node.release_failed(RELEASE, "no disk")
    node.available(RELEASE)
    for report, shown in (
        (lambda: node.started(place), "#access Instance correctly started"),
        (lambda: node.failed(place, "it broke"), "#error while instanciating: it broke"),
        (lambda: node.stopped(place), "#access Instance correctly stopped"),
    ):
        report()
        assert told(node, "reported").access_status == shown


def test_an_instance_goes_when_it_was_told_to_and_its_node_says_so(node, ask):
    place = ask("leaving").partition_id
    with pytest.raises(errors.Conflict):
        node.destroyed(place)
    ask("leaving", state=InstanceState.DESTROYED)
    assert told(node, "leaving").state == "destroyed"
    node.destroyed(place)
    assert node.see_partition(place) is None


def test_a_bang_has_it_processed_again(node, ask):
    view = ask("banged")
    node.bang(view.partition_id, "look")
    second = told(node, "banged").timestamp
    assert second > view.timestamp
    node.bang_all("look again")
    assert told(node, "banged").timestamp > second


def test_a_node_reports_what_was_used(node, ask):
    ask("used")
    node.use(USAGE)
    with pytest.raises(errors.InvalidValue, match="not allowed here"):
        node.use("<nothing/>")


def test_an_instance_asks_publishes_and_takes_another_title(node, ask, enter):
    parent = ask("parent")
    speaker = enter(parent)
    here = {"instance_guid": parent.instance_guid}
    child = speaker.request(Wish(title="child", release_url=RELEASE, parameters={"a": "1"}))
    shared = speaker.request(Wish(title="share", release_url=RELEASE, shared=True, demands=here))
    speaker.note_related(["child", "share"])
    node.note_related(parent.partition_id, ["child", "share"])
    addresses = node.list_tree_addresses(parent.partition_id)
    assert set(addresses) == {*parent.ip_list, *child.ip_list}
    grown_up = enter(child)
    grown_up.publish({"url": "http://x"})
    assert told(node, "child").connection == {"url": "http://x"}
    assert speaker.see().timestamp > parent.timestamp
    grown_up.rename("adult")
    grown_up.failed("it broke")
    grown_up.bang("look")
    assert grown_up.see().title == "adult"
    speaker.publish({"url": "http://shared"}, shared=shared.instance_guid)
    speaker.rename("slice", shared=shared.instance_guid)
    (seen,) = speaker.see().shared_instances
    assert (seen.title, seen.parameters) == ("slice", {"url": "http://shared"})


def test_what_waits_for_room_says_why(ask):
    with pytest.raises(errors.NotReady) as caught:
        ask("nowhere", demands={"capability": "wings"})
    assert len(str(caught.value)) > 20


def test_what_is_wrong_is_named(ask, node, site, target):
    with pytest.raises(errors.InvalidValue, match="did you mean"):
        ask("wrong", demands={"regoin": "x"})
    with pytest.raises(errors.NotFound):
        node.started("slappart99")
    with pytest.raises(errors.InvalidValue, match="U\\+0000"):
        ask("wrong", parameters={"a": "\0"})
    with Connection(target) as nobody, pytest.raises(errors.Unauthenticated):
        nobody.get("getFullComputerInformation", {"computer_id": node.reference})


def test_a_method_that_is_not_there_is_told_from_a_thing_that_is_not(site, target):
    with Connection(proved_by(target, site.directory.parent / "alice")) as connection:
        with pytest.raises(errors.NotOffered, match=r"no method slapos\.fly"):
            connection.call("slapos.fly", {})
        with pytest.raises(errors.NotFound, match="no service 'none'"):
            connection.call("slapos.get.v0.instance_tree", {"title": "none"})


def test_a_token_is_worth_a_certificate_once(site, target):
    token = site.run("token", "client").strip()
    with Connection(target) as connection:
        pair = fetch_person_credentials(connection, token)
        assert "BEGIN CERTIFICATE" in pair.certificate and "PRIVATE KEY" in pair.key
        with pytest.raises(errors.Forbidden):
            fetch_person_credentials(connection, token)


def ping(target):
    with Connection(target) as connection:
        return connection.call("slapos.get.v0.hateoas_url", {})


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(target):
    with pytest.raises(errors.Untrusted, match="verify failed"):
        ping(replace(target, authority=None))


def fingerprint_of(target):
    host, _, port = target.url.removeprefix("https://").partition(":")
    return sha256(
        ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port))))
    ).hexdigest()


def test_a_pinned_certificate_is_enough_and_no_other_will_do(target):
    pinned = replace(target, authority=None, fingerprint=fingerprint_of(target))
    assert "hateoas_url" in ping(pinned)
    with pytest.raises(errors.Untrusted, match=r"[Ff]ingerprint"):
        ping(replace(pinned, fingerprint="0" * 64))


@pytest.mark.parametrize("url", ["http://192.0.2.1:5000", "ftp://localhost", "nonsense", "http://"])
def test_plain_http_stays_on_this_machine(url):
    with pytest.raises(errors.ConfigurationError):
        Connection(Target(url=url))


def test_plain_http_beyond_it_has_to_be_wanted():
    Connection(Target(url="http://192.0.2.1:5000", plain=True)).close()
    Connection(Target(url="http://[::1]:5000")).close()


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(errors.ConfigurationError, match=r"certificate is not at .*/none"):
        Connection(Target(url="https://localhost", certificate=tmp_path / "none"))


class Answering:
    """A server that gives one answer after the other, each on a connection of its own."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        for answer in self.answers:
            peer, _ = self.listener.accept()
            with peer:
                self.asked.append(peer.recv(65536))
                peer.sendall(answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *raised):
        self.thread.join(10)
        self.listener.close()


def answer(status, body=b"", kind="text/plain"):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def post_to(url, **more):
    with Connection(Target(url=url, **more)) as connection:
        return connection.post("x", {})


EMPTY = b"<marshal><none/></marshal>"


def test_what_may_be_said_twice_is_said_again_when_the_answer_is_lost():
    lost = (b"", answer(503))
    with (
        Answering(*lost, answer(200, EMPTY)) as server,
        Connection(Target(url=server.url)) as connection,
    ):
        assert connection.get("x", {}).decode() is None
    assert len(server.asked) == 3


def test_what_may_be_said_once_is_said_once():
    with Answering(b"") as server, pytest.raises(errors.Unavailable):
        post_to(server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("sent", "kind", "words"),
    [
        (answer(500, b"oh"), errors.Unavailable, r"failed \(500\): oh"),
        (answer(523, b"<html>"), errors.Unavailable, r"failed \(523\): status 523"),
        (answer(404, b"<h1>x</h1><p>it&#39;s gone</p>"), errors.NotFound, "it's gone"),
        (answer(302), errors.Unavailable, "another address"),
        (answer(429, b"slower"), errors.TooMany, "slower"),
        (answer(404, b"no such thing"), errors.NotFound, "no such thing"),
        (answer(409, b"taken"), errors.Conflict, "taken"),
        (answer(418, b"tea"), errors.ProtocolError, "tea"),
        (answer(403, b"{", "application/json"), errors.Forbidden, "status 403"),
        (b"junk\r\n\r\n", errors.Unavailable, "can't be reached"),
        (answer(200, EMPTY)[:-3], errors.Unavailable, "can't be reached"),
    ],
)
def test_an_answer_means_one_of_our_errors(sent, kind, words):
    with Answering(sent) as server, pytest.raises(kind, match=words):
        post_to(server.url)


def test_a_master_that_does_not_offer_to_wait_is_known_by_its_answer():
    body = marshal.encode(marshal.Document("Computer", ("c",), {"_computer_id": "c"}))
    with (
        Answering(answer(200, body, "text/xml")) as server,
        Master(Target(url=server.url)) as master,
    ):
        node = master.as_node("c")
        assert node.see().computer_guid == "c"
        with pytest.raises(errors.NotOffered):
            node.wait_for_orders(1)


def test_no_room_at_slapproxy_is_no_end():
    body = b"No free computer partition found for: default"
    with (
        Answering(answer(404, body, "text/html")) as server,
        Master(Target(url=server.url)) as master,
        pytest.raises(errors.NotReady, match="No free computer"),
    ):
        master.as_instance("c", "p").request(Wish(title="x", release_url="u"))


def test_an_instance_that_is_not_ready_by_json_rpc_is_said_so():
    body = b'{"message": "Software Instance Not Ready", "name": "SoftwareInstanceNotReady"}'
    with (
        Answering(answer(200, body, "application/json")) as server,
        Connection(Target(url=server.url)) as connection,
        pytest.raises(errors.NotReady, match="Software Instance Not Ready"),
    ):
        connection.call("slapos.post.v0.software_instance", {})


def test_nobody_there_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(errors.Unavailable, match="refused"):
        post_to(f"http://127.0.0.1:{port}")


def test_a_master_that_does_not_answer_in_time_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(errors.Unavailable, match="in time"):
            post_to(url, patience=0.2)
