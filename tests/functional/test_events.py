"""What happens in a project is told to whoever may know: as JSON, and as it happens."""

import base64
import json
import time
from contextlib import closing
from contextlib import contextmanager
from ipaddress import ip_network

import pytest
import requests

from slapcore.protocol import marshal
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapmaster.api.watch import PER_ASKER
from slapmaster.domain.certification import revoke_all
from slapmaster.domain.project import Role
from tests.json_calls import post

#: How long news may take at most, in seconds; they are meant to be there within one.
SOON = 5.0


@pytest.fixture
def master(make_master):
    """A master that believes the header Client-Cert of whoever is on this machine."""
    return make_master(trusted_proxies=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def node(master, person, project):
    node = master.add_node(project, "n", partitions=3)
    person.supply(node)
    return node


@pytest.fixture
def other(master, project):
    """A customer of the same project."""
    other = master.add_person("other")
    master.give_role(project, other, Role.CUSTOMER)
    return other


def read(asker, **said):
    return post(asker, "allDocs.WIP.event_list", said).json


def kinds(told):
    return [row["kind"] for row in told["result_list"]]


def test_events_are_told_after_a_cursor(person, node):
    told = read(person)
    assert kinds(told) == ["node registered", "node formatted", "release supplied"]
    person.request("web")
    news = read(person, since=told["cursor"])
    assert kinds(news) == ["requested", "placed"]
    assert news["result_list"][1]["computer_guid"] == node.reference
    assert read(person, since=news["cursor"]) == {
        "result_list": [], "cursor": news["cursor"], "more": False,
    }  # fmt: skip


def test_a_few_are_told_at_a_time(person, node):
    first = read(person, limit=2)
    assert (kinds(first), first["more"]) == (["node registered", "node formatted"], True)
    assert kinds(read(person, since=first["cursor"])) == ["release supplied"]


def test_a_customer_is_told_of_their_own_services_only(person, other, node):
    person.request("web")
    other.request("mail")
    assert [row["title"] for row in read(other)["result_list"]] == ["mail", "mail"]
    assert {row["title"] for row in read(person)["result_list"]} == {"n", "web", "mail"}


def test_who_is_no_member_is_told_of_no_project(master, person, project, node):
    stranger = master.add_person("stranger")
    for asker in (stranger, node):
        refused = post(asker, "allDocs.WIP.event_list", {"project_guid": project}, status=403)
        assert refused.json["title"] in (f"no project {project!r}", "COMP-1 may not do this")
    refused = post(person, "allDocs.WIP.event_list", {"project_guid": "PROJ-77"}, status=403)
    assert refused.json["type"] == "PROJECT-NOT-FOUND"
    assert post(node, "allDocs.WIP.event_list", {}, status=400).json["title"] == "name the project"
    assert post(stranger, "allDocs.WIP.event_list", {}, status=403)


def test_an_operator_is_told_of_any_project(master, project, node):
    operator = master.add_person("operator", operator=True)
    assert kinds(read(operator, project_guid=project))[0] == "node registered"


@pytest.mark.parametrize("since", ["9" * 18, "1", "-1", "x", "1.5"])
def test_a_cursor_that_nobody_gave_is_refused(master, person, node, since):
    if since == "1":
        master.change(forget_all)
    status = 410 if since == "1" else 400
    with master.writing_nothing():
        refused = post(person, "allDocs.WIP.event_list", {"since": since}, status=status)
        person.get("events", {"since": since}, status=status)
    assert refused.json["status"] == status


def forget_all(act):
    feed = next(iter(act.site.projects)).feed
    feed.forgotten = feed.last()


def test_following_writes_nothing(master, person, node):
    with master.writing_nothing():
        read(person)


@contextmanager
def served(master, threads=2):
    """Serve the master to real sockets, over plain HTTP."""
    server = Server(master.wsgi, listeners=[Listener.plain("127.0.0.1", 0)], threads=threads)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.addresses[0].port}"
    finally:
        server.stop(grace=5)


def proved(asker):
    """Show a certificate as a trusted proxy hands it over."""
    return {"Client-Cert": f":{base64.b64encode(asker.certificate).decode()}:"}


@contextmanager
def followed(url, asker, **headers):
    """Give the events that are told, each a dictionary of its fields, as they come."""
    answer = requests.get(
        f"{url}/events", headers={**proved(asker), **headers}, stream=True, timeout=SOON
    )
    with closing(answer):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield read_stream(answer)


def read_stream(answer):
    event = {}
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif event:
            yield event
            event = {}


def test_events_are_told_as_they_happen(master, person, node):
    with served(master) as url, followed(url, person) as events:
        first = [next(events)["event"] for _ in range(3)]
        assert first == ["node registered", "node formatted", "release supplied"]
        begun = time.monotonic()
        person.request("web")
        requested, placed = next(events), next(events)
        assert time.monotonic() - begun < SOON
    assert json.loads(placed["data"])["kind"] == placed["event"] == "placed"
    assert json.loads(requested["data"])["cursor"] == requested["id"]


def test_who_was_cut_off_goes_on_where_they_were(master, person, node):
    with served(master) as url:
        with followed(url, person) as events:
            last = [next(events) for _ in range(3)][-1]
        person.request("web")
        with followed(url, person, **{"Last-Event-ID": last["id"]}) as events:
            assert next(events)["event"] == "requested"


def test_a_customer_hears_of_their_own_services_as_they_happen(master, person, other, node):
    with served(master) as url, followed(url, other) as events:
        person.request("web")
        other.request("mail")
        assert json.loads(next(events)["data"])["title"] == "mail"


def test_those_who_follow_keep_no_thread_busy(master, person, other, node):
    with served(master, threads=1) as url, followed(url, person) as first:
        next(first)
        with followed(url, other):
            answer = requests.get(f"{url}/getHateoasUrl", timeout=SOON)
            assert answer.status_code == 200


def test_one_asker_follows_only_so_many_times(master, person, node):
    with served(master) as url:
        answers = [
            requests.get(f"{url}/events", headers=proved(person), stream=True, timeout=SOON)
            for _ in range(PER_ASKER + 1)
        ]
        assert [answer.status_code for answer in answers] == [200] * PER_ASKER + [429]
        assert answers[-1].headers["Retry-After"]
        for answer in answers:
            answer.close()


def dismiss(master, project, asker):
    master.change(
        lambda act: act.site.projects[project].dismiss(act.site.persons[asker.reference])
    )


def revoke(master, project, asker):
    master.change(lambda act: revoke_all(act, act.site.persons[asker.reference], "lost"))


@pytest.mark.parametrize("end", [dismiss, revoke])
def test_who_may_hear_no_more_hears_no_more(master, person, other, project, node, end):
    with served(master) as url, followed(url, other) as events:
        end(master, project, other)
        person.request("web")
        assert list(events) == []


def test_the_stream_of_nothing_is_for_nobody(master, project, node):
    stranger = master.add_person("stranger")
    stranger.get("events", {"project": project}, status=404)
    master.nobody().get("events", {"project": project}, status=401)
    stranger.get("events", {"colour": "red"}, status=400)


# Orders


def wait_for(node, since="", timeout="0", **how):
    fields = {"computer_id": node.reference, "since": since, "timeout": timeout}
    return marshal.decode(node.get("waitForComputerInformation", fields, **how).body)


def orders_of(node):
    """Give the orders that come with the node's document."""
    answer = node.get("getFullComputerInformation", {"computer_id": node.reference})
    return answer.headers["X-Slapmaster-Orders"]


def test_who_knows_the_orders_waits_and_who_does_not_is_told(node):
    assert wait_for(node) == {"orders": orders_of(node), "changed": True}
    assert wait_for(node, orders_of(node)) == {"orders": orders_of(node), "changed": False}


@pytest.mark.parametrize("threads", [1, 4])
def test_a_node_hears_of_new_orders_as_they_are_given(master, person, node, threads):
    known = orders_of(node)
    with served(master, threads) as url:
        answer = requests.get(
            f"{url}/waitForComputerInformation",
            params={"computer_id": node.reference, "since": known, "timeout": "30"},
            headers=proved(node), stream=True, timeout=SOON,
        )  # fmt: skip
        begun = time.monotonic()
        person.request("web")
        told = marshal.decode(answer.content)
        assert time.monotonic() - begun < SOON
    assert told == {"orders": orders_of(node), "changed": True}
    assert told["orders"] != known


def test_what_a_node_says_itself_is_no_order_to_it(person, node):
    person.request("web")
    known = orders_of(node)
    node.post("startedComputerPartition", node.place_of("web"))
    node.post("softwareInstanceError", {**node.place_of("web"), "error_log": "oh"})
    assert wait_for(node, known)["changed"] is False


def test_the_wait_ends_when_the_time_is_over(master, node):
    fields = {"computer_id": node.reference, "since": orders_of(node), "timeout": "0.3"}
    with served(master) as url:
        begun = time.monotonic()
        answer = requests.get(
            f"{url}/waitForComputerInformation", params=fields, headers=proved(node), timeout=SOON
        )
        assert 0.3 <= time.monotonic() - begun < SOON
    assert marshal.decode(answer.content)["changed"] is False


def test_any_other_server_is_not_kept_waiting(person, node):
    assert wait_for(node, orders_of(node), "300")["changed"] is False
    assert b"event: node registered" in person.get("events").body


def test_waiting_writes_nothing(master, node):
    known = orders_of(node)
    with master.writing_nothing():
        wait_for(node, known)


@pytest.mark.parametrize("timeout", ["-1", "nan", "inf", "1e9", "x", ""])
def test_a_time_that_is_none_is_refused(node, timeout):
    fields = {"computer_id": node.reference, "timeout": timeout}
    assert "is no number of seconds" in node.get(
        "waitForComputerInformation", fields, status=400
    )


def test_only_a_node_and_who_runs_it_wait_for_its_orders(master, person, other, project, node):
    neighbour = master.add_node(project, "neighbour")
    fields = {"computer_id": node.reference, "timeout": "0"}
    person.get("waitForComputerInformation", fields)
    other.get("waitForComputerInformation", fields, status=403)
    neighbour.get("waitForComputerInformation", fields, status=404)
