"""The client library as a person uses it, against a master that serves TLS."""

from dataclasses import replace

import pytest

from slapcore import errors
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription
from slapcore.slap.as_person import AsPerson
from slapcore.slap.as_person import Change
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Target
from slapcore.slap.enrolment import register_node
from slapcore.slap.master import Master
from slapcore.slap.shown import Product
from slapcore.slap.shown import Release
from slapcore.slap.trust import look_at
from slapcore.slap.wish import Wish
from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from tests.commands import Slapmaster

RELEASE = "https://example.com/web/software.cfg"
NEW = "https://example.com/web/new.cfg"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Slapmaster(tmp_path_factory.mktemp("person") / "data")
    made.init("--certificate-directory", made.directory.parent / "alice")
    with made.serving() as server:
        yield made, server


@pytest.fixture(scope="module")
def target(site):
    made, server = site
    alice = made.directory.parent / "alice"
    return Target(
        url=server.url,
        authority=made.directory / "authority.crt",
        certificate=alice / "certificate",
        key=alice / "key",
    )


@pytest.fixture(scope="module")
def alice(target):
    with Master(target) as master:
        yield master.as_person()


@pytest.fixture(scope="module")
def node(site, target, alice, tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    with Connection(replace(target, certificate=None, key=None)) as connection:
        new = register_node(connection, alice.make_node_token(), "shelf")
    (folder / "pem").write_text(new.credentials.certificate + new.credentials.key)
    with Master(replace(target, certificate=folder / "pem", key=None)) as master:
        node = master.as_node(new.reference)
        places = tuple(PartitionDescription(f"slappart{number}") for number in range(5))
        node.describe(NodeDescription(reference=new.reference, partitions=places))
        alice.supply(RELEASE, new.reference)
        yield node


def wish(title, **more):
    return Wish(title=title, release_url=RELEASE, **more)


def test_whose_certificate_it_is(alice):
    person = alice.whoami()
    assert (person.reference, person.name, person.email) == ("PERS-1", "alice", "alice@example.com")


def test_a_service_is_asked_for_changed_renamed_and_destroyed(alice, node):
    asked = alice.request(wish("web", parameters={"a": "b"}, demands={"retention_delay": "2"}))
    assert asked.is_placed and not asked.is_settled
    assert (asked.node, asked.parameters) == (node.reference, {"a": "b"})
    assert asked.demands == {"retention_delay": "2.0"}
    node.started(asked.partition)
    assert alice.see_service("web").is_settled
    stopped = alice.change("web", Change(state=InstanceState.STOPPED))
    assert (stopped.state, stopped.parameters) == (InstanceState.STOPPED, {"a": "b"})
    assert not stopped.is_settled
    node.stopped(asked.partition)
    assert alice.see_instance(asked.reference).is_settled
    change = Change(title="shop", release_url=NEW, software_type="x", parameters={}, demands={})
    changed = alice.change("web", change)
    assert (changed.title, changed.release_url, changed.software_type) == ("shop", NEW, "x")
    assert (changed.parameters, changed.demands) == ({}, {})
    gone = alice.change("shop", Change(state=InstanceState.DESTROYED))
    assert gone.is_settled
    node.destroyed(asked.partition)
    with pytest.raises(errors.NotFound, match="no service 'shop'"):
        alice.see_service("shop")


def test_services_and_their_instances_are_listed(alice, node):
    alice.request(wish('a "quoted\\" title', demands={"computer_guid": node.reference}))
    alice.request(wish("waiting", demands={"capability": "wings"}))
    services = {service.title: service for service in alice.list_services()}
    assert {'a "quoted\\" title', "waiting"} <= set(services)
    (quoted,) = alice.list_services('a "quoted\\" title')
    assert (quoted.release_url, quoted.state) == (RELEASE, InstanceState.STARTED)
    assert quoted.project == "PROJ-1"
    (member,) = alice.list_members(quoted.reference)
    assert (member.node, member.title, member.shared) == (node.reference, quoted.title, False)
    assert member in alice.list_members_on(node.reference)
    waiting = alice.see_service("waiting")
    assert not waiting.is_placed and not waiting.is_settled
    assert waiting.status.startswith("#error")
    for title in ('a "quoted\\" title', "waiting"):
        alice.change(title, Change(state=InstanceState.DESTROYED))


def test_a_shared_service_is_there_once_it_has_published(alice, node):
    host = alice.request(wish("host"))
    shared = alice.request(wish("share", shared=True, demands={"instance_guid": host.reference}))
    assert shared.shared and shared.is_placed and not shared.is_settled
    (service,) = alice.list_services("share")
    assert service.shared
    assert alice.list_members(service.reference)[0].shared


def test_nodes_and_what_is_supplied_to_them_are_listed(alice, node):
    found = alice.find_node("shelf")
    assert (found.reference, found.scope, found.project) == (node.reference, "open", "PROJ-1")
    assert alice.find_node(node.reference) == found
    assert found in alice.list_nodes()
    with pytest.raises(errors.NotFound, match="no node 'attic'"):
        alice.find_node("attic")
    alice.supply(NEW, node.reference)
    node.available(NEW)
    supplied = {one.url: one for one in alice.list_installations(node.reference)}
    assert supplied[NEW].status == f"#access software release {NEW} available"
    alice.supply(NEW, node.reference, ReleaseState.DESTROYED)
    states = {one.url: one.state for one in alice.list_installations()}
    assert states == {NEW: ReleaseState.DESTROYED, RELEASE: ReleaseState.AVAILABLE}


def test_products_are_made_and_listed(alice):
    made = alice.add_product("web server")
    assert (made.title, made.newest) == ("web server", None)
    alice.add_release("web server", NEW, title="2.0", effective="2999-01-01")
    product = alice.add_release(made.reference, RELEASE, project="PROJ-1")
    assert product == Product(
        reference=made.reference,
        title="web server",
        project="PROJ-1",
        releases=(
            Release(title="2.0", url=NEW, effective="2999-01-01T00:00:00Z", current=False),
            replace(product.releases[1], title="software.cfg", url=RELEASE, current=True),
        ),
    )
    assert product.newest.url == RELEASE
    assert alice.list_products() == alice.list_products("PROJ-1") == (product,)


def test_a_long_list_is_read_page_after_page(alice, node):
    for number in range(5):
        alice.request(wish(f"page{number}"))
    whole = alice.list_services()
    assert len(whole) >= 5
    assert AsPerson(alice.connection, page=2).list_services() == whole


def test_the_first_look_at_a_server_shows_what_vouches_for_it(site, target):
    made, server = site
    shown = look_at(server.url)
    authority = (made.directory / "authority.crt").read_text()
    assert shown.authority.split() == authority.split()
    assert shown.to_compare == shown.authority_fingerprint != shown.fingerprint
    assert len(shown.fingerprint) == 64
    pinned = replace(target, authority=None, fingerprint=shown.fingerprint)
    with Master(pinned) as master:
        assert master.as_person().whoami().name == "alice"


def test_the_first_look_at_nobody_fails(tmp_path):
    with pytest.raises(errors.ConfigurationError):
        look_at("http://127.0.0.1")
    with pytest.raises(errors.Unavailable):
        look_at("https://127.0.0.1:1")
