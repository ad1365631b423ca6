"""The life of a service, led by ``slapctl`` from the first login to the end, over TLS."""

import json
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
import yaml

from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import PartitionDescription
from slapcore.slap.connection import Connection
from slapcore.slap.enrolment import register_node
from slapcore.slap.master import Master

RELEASE = "https://example.com/web/software.cfg"
NEW = "https://example.com/web/new.cfg"


def told(node, title):
    found = (place.instance for place in node.see().partitions)
    return next(one for one in found if one is not None and one.title == title)


@pytest.fixture
def working(node):
    """Have the node obey while a command waits."""
    over = threading.Event()

    def work():
        while not over.wait(0.1):
            for place in node.see().partitions:
                if place.instance is None:
                    continue
                say = {"started": node.started, "stopped": node.stopped}.get(place.state)
                if say is not None:
                    say(place.partition_id)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def test_whoever_logs_in_is_known(alice, server):
    me = alice.read("whoami")
    assert (me["reference"], me["name"], me["url"]) == ("PERS-1", "alice", server.url)
    assert me["context"] == "127.0.0.1"


def test_what_waits_is_kept_and_its_reason_shown(alice, node):
    done = alice.call("request", "early", NEW, "-p", "a=b")
    assert done.exit_code == 7
    assert "not supplied" in done.stderr
    shown = alice.read("service", "info", "early")
    assert (shown["parameters"], shown["node"]) == ({"a": "b"}, "")
    assert "not supplied" in shown["instances"][0]["status"]
    alice.run("service", "destroy", "early", "--yes")


def test_a_release_is_supplied(alice, node):
    said = alice.run("supply", RELEASE, "shelf")
    assert said.strip() == f"{RELEASE} is to be available on {node.reference}."
    node.available(RELEASE)
    (row,) = alice.read("software", "supplied", node.reference)
    assert (row["url"], row["state"]) == (RELEASE, "available")
    assert RELEASE in alice.run("software", "supplied")


def test_a_service_is_asked_for_and_waited_for(alice, node, working):
    asked = ("request", "web", RELEASE, "-p", "greeting=Hello", "-p", "empty=")
    done = alice.call(*asked, "--wait", "--timeout", "30", "--json")
    assert done.exit_code == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["status"] == "#access Instance correctly started"
    assert (shown["node"], shown["partition"][:8]) == (node.reference, "slappart")
    assert shown["parameters"] == {"greeting": "Hello", "empty": ""}


def test_who_waits_in_vain_is_told_why_and_nothing_is_lost(alice, node):
    asked = ("request", "slow", RELEASE, "--wait", "--timeout", "1")
    said = alice.run(*asked, code=7)
    assert "not ready after 1 seconds" in said and f"on {node.reference}" in said
    assert alice.read("service", "info", "slow")["node"] == node.reference
    alice.run("service", "destroy", "slow", "--yes")


def test_parameters_come_from_files_of_three_kinds(alice, node, tmp_path):
    (tmp_path / "p.json").write_text('{"n": 1, "list": ["a", {"b": null}], "t": true}')
    (tmp_path / "p.yaml").write_text("n: 1\nlist: [a, {b: null}]\nt: true\n")
    (tmp_path / "p.xml").write_text(
        '<instance><parameter id="n">1</parameter><!-- by hand -->'
        '<parameter id="t">true</parameter></instance>'
    )
    expected = {"n": "1", "list": '["a", {"b": null}]', "t": "true"}
    ask = ("request", "filed", RELEASE, "--parameters-file")
    assert alice.read(*ask, tmp_path / "p.json")["parameters"] == expected
    assert alice.read(*ask, tmp_path / "p.yaml")["parameters"] == expected
    shown = alice.read(*ask, tmp_path / "p.xml", "-p", "t=no")["parameters"]
    assert shown == {"n": "1", "t": "no"}
    whole = alice.read(*ask, tmp_path / "p.json", "--one-document")["parameters"]
    assert json.loads(whole["_"]) == {"n": 1, "list": ["a", {"b": None}], "t": True}
    alice.run("service", "destroy", "filed", "--yes")


def test_one_parameter_is_changed_and_the_others_stay(alice, node):
    alice.run("request", "kept", RELEASE, "-p", "a=1", "-p", "b=2")
    alice.run("service", "set", "kept", "-p", "b=3", "-p", "c=4", "-u", "a")
    assert told(node, "kept").parameters == {"b": "3", "c": "4"}
    assert "no parameter 'a'" in alice.run("service", "set", "kept", "-u", "a", code=6)
    alice.run("service", "destroy", "kept", "--yes")


def test_a_service_is_stopped_started_and_renamed(alice, node, working):
    alice.run("request", "moody", RELEASE)
    stopped = alice.read("service", "stop", "moody", "--wait")
    assert stopped["status"] == "#access Instance correctly stopped"
    started = alice.read("service", "start", "moody", "--wait")
    assert started["status"] == "#access Instance correctly started"
    alice.run("service", "rename", "moody", "merry")
    assert "moody" not in alice.run("service", "list")
    assert told(node, "merry").title == "merry"
    alice.run("service", "destroy", "merry", "--yes")


def test_a_service_follows_its_product(alice, node):
    alice.run("software", "add", "web server", RELEASE, "--title", "1.0")
    said = alice.read("request", "shop", "product.web server", "--type", "default")
    assert said["release_url"] == RELEASE
    later = ("--title", "3.0", "--effective", "2999-01-01")
    alice.run("software", "add", "web server", "https://example.com/coming.cfg", *later)
    alice.run("software", "add", "web server", NEW, "--title", "2.0")
    assert alice.read("service", "upgrade", "shop")["release_url"] == NEW
    assert alice.read("service", "upgrade", "shop", RELEASE)["release_url"] == RELEASE
    rows = [line.split() for line in alice.run("software", "list").splitlines()]
    assert [row[3:5] for row in rows[1:]] == [["3.0", "no"], ["2.0", "yes"], ["1.0", "yes"]]
    assert len(alice.read("software", "list")[0]["releases"]) == 3
    alice.run("service", "destroy", "shop", "--yes")


def test_a_shared_service_says_that_it_is_one(alice, node):
    host = alice.read("request", "host", RELEASE)
    demand = f"instance_guid={host['reference']}"
    shown = alice.read("request", "share", RELEASE, "--shared", "-d", demand)
    assert shown["shared"] and shown["partition"] == host["partition"]
    titles = {row["title"]: row["shared"] for row in alice.read("service", "list")}
    assert (titles["share"], titles["host"]) == (True, False)
    for title in ("share", "host"):
        alice.run("service", "destroy", title, "--yes")


def test_a_token_comes_with_the_command_that_uses_it(alice, node, server):
    done = alice.call("computer", "token")
    assert len(done.stdout.split()) == 1
    trusting = f"--authority {alice.home / '127.0.0.1/authority.crt'}"
    typed = f"slapnode register TITLE --master-url {server.url} {trusting} --token TOKEN"
    assert done.stderr.strip() == f"On the machine: {typed}"


def test_nodes_are_listed_and_shown(alice, node):
    alice.run("request", "guest", RELEASE)
    assert "shelf" in alice.run("computer", "list")
    shown = yaml.safe_load(alice.run("computer", "info", "shelf", "--yaml"))
    assert (shown["reference"], shown["scope"]) == (node.reference, "open")
    assert RELEASE in [release["url"] for release in shown["releases"]]
    assert "guest" in [instance["title"] for instance in shown["instances"]]
    assert "guest" in alice.run("computer", "info", node.reference)
    alice.run("service", "destroy", "guest", "--yes")


def test_what_is_destroyed_is_gone_when_its_node_says_so(alice, node):
    place = alice.read("request", "brief", RELEASE)["partition"]
    refused = alice.call("service", "destroy", "brief", given="n\n")
    assert refused.exit_code == 1
    assert told(node, "brief").state == "started"
    alice.run("service", "destroy", "brief", "--yes")
    assert told(node, "brief").state == "destroyed"
    node.destroyed(place)
    assert alice.run("service", "info", "brief", code=5).strip() == "Error: no service 'brief'"


def test_a_release_is_removed(alice, node):
    alice.run("supply", "https://example.com/old.cfg", "shelf")
    alice.run("supply", "https://example.com/old.cfg", "shelf", "--remove")
    states = {row["url"]: row["state"] for row in alice.read("software", "supplied", "shelf")}
    assert states["https://example.com/old.cfg"] == "destroyed"


def test_any_method_can_be_called(alice, node):
    shown = alice.run("call", "slapos.get.v0.compute_node_status", "-",
                      given=json.dumps({"computer_guid": node.reference}))  # fmt: skip
    assert json.loads(shown)["reference"] == node.reference
    said = json.dumps({"computer_id": node.reference})
    shown = alice.run("call", "getComputerStatus", said, "--xmlrpc", "--yaml")
    assert yaml.safe_load(shown)["reference"] == node.reference
    assert "no compute node" in alice.run(
        "call", "getComputerStatus", '{"computer_id": "COMP-99"}', "--xmlrpc", code=5
    )
    assert "no method slapos.fly" in alice.run("call", "slapos.fly", code=1)


def test_a_plan_says_where_and_why_not_and_stores_nothing(alice, node):
    plan = alice.read("plan", "planned", RELEASE, "-d", f"computer_guid={node.reference}")
    assert (plan["node"], plan["is_there"]) == (node.reference, False)
    done = alice.call("request", "planned", "https://example.com/none.cfg", "--plan")
    assert done.exit_code == 7
    assert "not supplied" in done.stdout + done.stderr
    assert "planned" not in alice.run("service", "list")


def test_events_are_listed_and_followed(alice, node):
    alice.run("request", "eventful", RELEASE)
    events = alice.read("events")
    kinds = [event["kind"] for event in events if event["title"] == "eventful"]
    assert "requested" in kinds and "placed" in kinds
    cursor = events[-1]["cursor"]
    assert "eventful" not in alice.run("events", "--since", cursor)
    with following(alice, "--since", cursor) as lines:
        alice.run("service", "destroy", "eventful", "--yes")
        event = json.loads(next(lines))
    assert event["title"] == "eventful"
    assert int(event["cursor"]) > int(cursor)


@contextmanager
def following(alice, *words):
    """Give the lines of a command that goes on until it is ended."""
    command = alice.words("events", "--follow", "--json", *words)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        yield process.stdout
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture
def second(alice, target, tmp_path):
    """Another node with room."""
    token = alice.read("computer", "token")["token"]
    with Connection(target) as connection:
        new = register_node(connection, token, tmp_path.name)
    (tmp_path / "pem").write_text(new.credentials.certificate + new.credentials.key)
    with Master(replace(target, certificate=tmp_path / "pem")) as master:
        node = master.as_node(new.reference)
        places = (PartitionDescription("slappart0"), PartitionDescription("slappart1"))
        node.describe(NodeDescription(reference=new.reference, partitions=places))
        alice.run("supply", RELEASE, new.reference)
        yield node
    alice.run("computer", "cordon", new.reference, "--reason", "the test is over")


def test_a_node_is_cordoned_and_a_service_moves(alice, node, second):
    asked = alice.read("request", "nomad", RELEASE, "-d", "retention_delay=0")
    here, there = asked["node"], {node.reference, second.reference} - {asked["node"]}
    plan = alice.read("service", "move", "nomad", "--plan")
    assert {plan["node"]} == there
    assert alice.read("service", "info", "nomad")["node"] == here
    (other,) = there
    alice.run("computer", "cordon", other, "--reason", "disk fails")
    done = alice.call("service", "move", "nomad", "--yes")
    assert done.exit_code == 7 and alice.read("service", "info", "nomad")["node"] == here
    alice.run("computer", "uncordon", other)
    assert alice.read("service", "move", "nomad", "--yes")["node"] == other
    alice.run("service", "destroy", "nomad", "--yes")


def test_a_node_is_drained_and_what_is_to_move_is_listed(alice, node, second):
    asked = alice.read("request", "drained", RELEASE, "-d", f"computer_guid={second.reference}")
    assert alice.read("computer", "drain", second.reference, "--reason", "new rack") == []
    rows = alice.read("computer", "drain", second.reference, "--reason", "new rack", "--move")
    (row,) = rows
    assert (row["instance"], row["node"]) == (asked["reference"], second.reference)
    assert "no other place" in row["message"]
    alice.run("computer", "uncordon", second.reference)
    alice.run("service", "destroy", "drained", "--yes")
