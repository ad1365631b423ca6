"""Another tenant's things can't be told from things that do not exist, whichever way one comes in.

Made from the table of routes.  The same questions are asked in two worlds: in one there is
another tenant, in the other there never was one.  The answers must be the same byte by byte.
"""

import json
import re
from dataclasses import dataclass
from dataclasses import replace
from itertools import product

import pytest

from slapcore.protocol.jsonrpc import read_command
from slapmaster.api.classic.endpoint import PREFIXES
from slapmaster.api.jsonrpc.method import PREFIXES as JSON_PREFIXES
from tests.driver import RELEASE
from tests.driver import ClassicDriver
from tests.driver import Master
from tests.driver import describe_node
from tests.driver import make_issuer
from tests.driver import marshalled

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NODE, TREE, INSTANCE, SHARED, INSTALLATION, PERSON, PROJECT = (
    "COMP-2", "HOSTSUBS-2", "SOFTINST-3", "SOFTINST-4", "SOFTINSTALL-2", "PERS-2", "PROJ-2",
)  # fmt: skip

#: what a field says when it is about the other tenant
FIELDS = {
    "computer_id": NODE,
    "computer_reference": NODE,
    "computer_partition_id": "slappart0",
    "computer_partition_reference": "slappart0",
    "slave_reference": SHARED,
    "project_reference": PROJECT,
    "url": RELEASE,
    "state": "available",
    "xml": marshalled(describe_node(NODE, 1)),
    "computer_title": "stolen",
    "new_name": "stolen",
    "use_string": "<journal/>",
    "connection_xml": marshalled({"url": "stolen"}),
    "instance_reference_xml": marshalled([]),
    "software_release": RELEASE,
    "software_type": "default",
    "partition_reference": "web",
    "partition_parameter_xml": marshalled({}),
    "filter_xml": marshalled({}),
    "shared_xml": marshalled(False),
    "error_log": "x",
    "message": "x",
    "data": "x",
    "software_product_reference": "PROD-2",
}
#: what these fields say in one operation only
FIELDS_OF = {
    "requestComputerPartition": {"state": marshalled("stopped")},
    # Its two ways to name a product exclude one another.
    "getSoftwareReleaseListFromSoftwareProduct": {"software_release_url": None},
}
#: what is said by JSON when it is about the other tenant
SAID = {
    "computer_guid": NODE,
    "compute_partition_id": "slappart0",
    "instance_guid": INSTANCE,
    "title": "theirs",
    "software_release_uri": RELEASE,
    "software_type": "default",
    "reported_state": "destroyed",
    "reason": "none of theirs",
    "tioxml": "<journal/>",
    "connection_parameter_dict": {"url": "stolen"},
    "compute_partition_list": [],
    "sla_parameters": {"project_guid": PROJECT},
    "project_guid": PROJECT,
    "software_product": "theirs",
    "message": "x",
}
#: what a path says when it is about the other tenant, by the kind of document
PATHS = {
    "hateoas.person": (PERSON,),
    "hateoas.tree": (TREE,),
    "hateoas.instance": (INSTANCE,),
    "hateoas.node": (NODE,),
    "hateoas.installation": (NODE, INSTALLATION),
}

#: What is asked with a query, by the name of its route.
QUERIES = {"events": {"project": PROJECT}}

#: What nobody has to prove who they are for.
OPEN = {
    "classic.getHateoasUrl", "classic/portal_slap.getHateoasUrl",
    "enrolment.node", "enrolment.client", "enrolment.revoked", "openapi", "xmlrpc",
    *(f"jsonrpc.{prefix}/slapos.get.v0.hateoas_url" for prefix in JSON_PREFIXES),
}  # fmt: skip
#: What is not about anything that somebody has; who may not do it at all is told so.
ABOUT_THE_SITE = {
    "hateoas.begin", "hateoas.begin/", "hateoas.search",
    *(
        f"jsonrpc.{prefix}/slapos.allDocs.{name}"
        for prefix in JSON_PREFIXES
        for name in ("v0.instance_tree_list", "WIP.compute_node_list")
    ),
}  # fmt: skip
FOR_PERSONS = {"requestComputer", "token"}
#: What gives the asker something of their own: a token, or a child below the asking instance.
ABOUT_ONESELF = (
    ("hateoas.token", "person"),
    ("post.v0.software_instance", "instance"), ("get.WIP.instance_plan", "instance"),
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One line of the table of routes, with how to ask for the other tenant's thing."""

    name: str
    method: str
    path: str
    fields: dict[str, str]
    said: dict[str, object] | None = None

    @property
    def operation(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def body(self) -> dict[str, str] | str:
        return self.fields if self.said is None else json.dumps(self.said)

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.said is None else {"Content-Type": "application/json"}

    @property
    def absent(self) -> int:
        """Give the status that says of this way: there is no such thing."""
        return 404 if self.said is None else 403


@dataclass(frozen=True)
class World:
    """A master, and one tenant's person, node and instance."""

    master: Master
    askers: dict[str, ClassicDriver]


def read_table(master: Master) -> list[Way]:
    """Read the ways in from the application itself."""
    introspector = master.wsgi.registry.introspector
    patterns = {
        entry["introspectable"]["name"]: entry["introspectable"]["pattern"]
        for entry in introspector.get_category("routes")
    }
    views = [entry["introspectable"] for entry in introspector.get_category("views")]
    return [
        Way(
            view["route_name"],
            view["request_methods"],
            fill_path(view["route_name"], patterns[view["route_name"]]),
            QUERIES.get(view["route_name"]) or fill_fields(view["callable"]),
            fill_said(view["callable"]),
        )
        for view in views
        if view["route_name"]
    ]


def fill_path(name: str, pattern: str) -> str:
    values = iter(PATHS.get(name, ()))
    return re.sub(r"\{\w+\}", lambda _: next(values), pattern)


def fill_fields(view: object) -> dict[str, str]:
    endpoint = getattr(view, "endpoint", None)
    if endpoint is None:
        return {}
    special = FIELDS_OF.get(endpoint.name, {})
    said = {name: special.get(name, FIELDS.get(name)) for name in
            (*endpoint.required, *endpoint.optional)}  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def fill_said(view: object) -> dict[str, object] | None:
    """Fill what a method requires, and what it may be told of the other tenant."""
    method = getattr(view, "method", None)
    if method is None:
        return None
    known = read_command(method.name).input["properties"]
    return {name: SAID[name] for name in known if name in SAID}


def add_tenant(master: Master, name: str) -> dict[str, ClassicDriver]:
    person = master.add_person(name)
    node = master.add_node(master.add_project(name, person), f"node of {name}", partitions=1)
    person.supply(node)
    person.request("web")
    instance = master.instance(node, "web")
    instance.request("share", shared=True)
    return {"person": person, "node": node, "instance": instance}


@pytest.fixture(scope="module")
def worlds():
    """Give the world with another tenant, and the one where there never was one."""
    issuer = make_issuer()
    made = []
    for crowded in (True, False):
        master = Master(None, issuer)
        askers = add_tenant(master, "asker")
        if crowded:
            other = add_tenant(master, "other")
            assert other["node"].reference == NODE
            assert other["instance"].reference == INSTANCE
            assert other["person"].reference == PERSON
        made.append(World(master, askers))
    yield made
    for world in made:
        assert world.master.close() == []


@pytest.fixture(scope="module")
def table(worlds):
    found = read_table(worlds[0].master)
    assert len(found) > len(PREFIXES) * 30
    return found


def ask(asker: ClassicDriver, way: Way, method: str | None = None):
    if method not in (None, way.method):
        return asker.call(method, way.path, way.fields, status="*")
    return asker.call(way.method, way.path, way.body, headers=way.headers, status="*")


def told(answer):
    """Give all that an answer tells, but for the time it was given."""
    headers = {key: value for key, value in answer.headers.items() if key != "Date"}
    return answer.status, headers, answer.body


def is_about_oneself(way: Way, who: str) -> bool:
    return any(way.name.endswith(name) and who == asker for name, asker in ABOUT_ONESELF)


def expected_status(way: Way, who: str) -> set[int]:
    if way.name in OPEN:
        return {200, 400, 403}
    if way.name in ABOUT_THE_SITE:
        return {200, 400}
    if way.operation in FOR_PERSONS:
        return {404, 200} if who == "person" else {403}
    return {way.absent}


@pytest.mark.parametrize("who", ["person", "node", "instance"])
def test_another_tenant_s_things_are_not_there(worlds, table, who):
    crowded, empty = worlds
    for way in table:
        if is_about_oneself(way, who):
            continue
        with crowded.master.writing_nothing(), empty.master.writing_nothing():
            there = ask(crowded.askers[who], way)
            absent = ask(empty.askers[who], way)
        # A signature is never the same twice, and that list is for everybody.
        assert way.name == "enrolment.revoked" or told(there) == told(absent), way
        assert there.status_int in expected_status(way, who), (way, there)


@pytest.mark.parametrize("who", ["person", "node", "instance"])
def test_a_search_finds_nothing_of_another_tenant(worlds, who):
    types = ("Instance Tree", "Software Instance", "Slave Instance", "Compute Node",
             "Software Installation")  # fmt: skip
    keys = {
        "reference": (NODE, TREE, INSTANCE, SHARED, INSTALLATION),
        "follow_up_reference": (PROJECT,),
        "title": ("web", "share", "node of other"),
        "default_specialise_title": ("web",),
        "default_specialise_reference": (TREE,),
        "default_aggregate_reference": (NODE,),
        "url_string": (RELEASE,),
    }
    for portal_type, key in product(types, keys):
        for value in keys[key]:
            query = f'portal_type:"{portal_type}" AND {key}:="{value}"'
            answers = [
                world.askers[who].get("hateoas/search", {"query": query}) for world in worlds
            ]
            assert told(answers[0]) == told(answers[1]), query


@pytest.mark.parametrize("claimed", [True, False])
def test_a_claim_to_another_s_partition_changes_nothing(worlds, table, claimed):
    value = f"X-SlapPartition computer_id={NODE}, computer_partition_id=slappart0"
    claim = {"Authorization": value} if claimed else {}
    for way, who in product(table, ("node", "instance")):
        if way.name in OPEN or is_about_oneself(way, who):
            continue
        answers = [
            world.askers[who].call(
                way.method, way.path, way.body, headers={**way.headers, **claim}, status="*"
            )
            for world in worlds
        ]
        assert told(answers[0]) == told(answers[1]), way
        assert not claimed or answers[0].status_int in {404, way.absent}, way


def test_nobody_gets_in_but_by_the_open_ways(worlds, table):
    crowded, empty = worlds
    for way in table:
        with crowded.master.writing_nothing(), empty.master.writing_nothing():
            answers = [ask(world.master.nobody(), way) for world in worlds]
        if way.name in OPEN:
            assert answers[0].status_int in {200, 400, 403}, way
        else:
            assert answers[0].status_int == 401, way
            assert "WWW-Authenticate" in answers[0].headers
            assert told(answers[0]) == told(answers[1]), way


def test_each_way_in_has_one_method(worlds, table):
    crowded, _ = worlds
    askers = [*crowded.askers.values(), crowded.master.nobody()]
    with crowded.master.writing_nothing():
        for way, method, asker in product(table, METHODS, askers):
            if method != way.method:
                answer = ask(asker, way, method)
                assert answer.status_int == 405, (way, method)
                assert way.method in answer.headers["Allow"]


def test_what_is_nowhere_is_not_found_by_anybody(worlds):
    crowded, _ = worlds
    for asker in (*crowded.askers.values(), crowded.master.nobody()):
        for path in ("nonsense", "portal_slap", "hateoas/nonsense", "portal_slap/portal_slap/x"):
            assert asker.get(path, status=404).text == "nothing is here"
        assert "not UTF-8" in asker.get("%ff", status=400).text


@pytest.mark.parametrize("who", ["person", "instance"])
def test_a_neighbour_on_the_same_node_is_not_there_either(make_master, who):
    """Two customers of one project, on one node: they may know of the node, not of one another."""
    answers = []
    for crowded in (True, False):
        master = make_master(in_memory=True)
        manager = master.add_person("manager")
        project = master.add_project("shared", manager)
        node = master.add_node(project, "node")
        described = describe_node(node.reference, 2)
        described["partition_list"][1]["capability_list"] = ["reserved"]
        node.post("loadComputerConfigurationFromXML", {"xml": marshalled(described)})
        manager.supply(node)
        customer = add_customer(master, project, "asker")
        customer.request("mine", demands={"capability": "reserved"})
        asker = customer if who == "person" else master.instance(node, "mine")
        if crowded:
            add_customer(master, project, "other").request("theirs")
        answers.append(ask_about_neighbour(master, asker, node, "slappart0"))
    assert answers[0] == answers[1]


def add_customer(master, project, name):
    person = master.add_person(name)
    master.give_role(project, person, "customer")
    return person


def ask_about_neighbour(master, asker, node, partition):
    told_of_all = []
    values = {"computer_partition_id": partition, "computer_partition_reference": partition}
    for way in read_table(master):
        node_fields = {name: node.reference for name in ("computer_id", "computer_reference")}
        fields = {**way.fields, **node_fields, **values}
        fields = {name: value for name, value in fields.items() if name in way.fields}
        if "computer_partition_id" in fields or "computer_partition_reference" in fields:
            answer = asker.call(way.method, way.path, fields, status="*")
            assert answer.status_int == 404, way
            told_of_all.append((way.name, told(answer)))
        elif way.said is not None and {"compute_partition_id", "instance_guid"} & way.said.keys():
            place = {"computer_guid": node.reference, "compute_partition_id": partition}
            about = {**place, "instance_guid": "SOFTINST-2"}
            said = {name: about.get(name, value) for name, value in way.said.items()}
            answer = ask(asker, replace(way, said=said))
            assert answer.status_int == 403, way
            assert answer.json["type"].endswith("-NOT-FOUND"), way
            told_of_all.append((way.name, told(answer)))
    return told_of_all
