"""The documents that the command line walks: first one, search, forms, tokens."""

from urllib.parse import urlencode

import pytest
from ZODB.ActivityMonitor import ActivityMonitor

from slapcore.protocol.parameters import read_parameters
from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.catalog import SoftwareRelease
from slapmaster.domain.project import Role
from tests.driver import RELEASE
from tests.driver import marshalled

TREES = 'portal_type:"Instance Tree" AND validation_state:validated'
NODES = 'portal_type:"Compute Node" AND validation_state:validated'
INSTANCES = (
    'portal_type:("Software Instance", "Slave Instance") AND validation_state:validated '
    'AND default_specialise_title:="{}"'
)
RELEASES = (
    'portal_type:"Software Installation" AND validation_state:validated '
    'AND default_aggregate_reference:="{}"'
)


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def project(master, person):
    return master.add_project("mine", person)


@pytest.fixture
def node(master, project, person):
    node = master.add_node(project, "first node", partitions=5)
    person.supply(node)
    return node


def search(asker, query, *columns, **how):
    """Expand the template of the search as the client does, and give the rows."""
    return search_page(asker, query, *columns, **how)["_embedded"]["contents"]


def search_page(asker, query, *columns, limit=None):
    template = asker.get("hateoas").json["_links"]["raw_search"]["href"]
    begin, expression, _ = template.partition("{?query,select_list*}")
    assert expression
    pairs = [("query", query), *(("select_list", name) for name in columns)]
    pairs += [("limit", limit)] if limit else []
    return asker.get(f"{path_of(begin)}?{urlencode(pairs)}").json


def path_of(url):
    return url.removeprefix("http://localhost")


def look_up(asker, relative_url, **how):
    template = asker.get("hateoas").json["_links"]["traverse"]["href"]
    url = template.replace("{+relative_url}", relative_url)
    return asker.get(path_of(url.replace("{?view}", "?view=slaposjs_view")), **how)


def fields_of(asker, relative_url):
    """Read a form as the client does."""
    view = look_up(asker, relative_url).json["_embedded"]["_view"]
    return {key[3:]: field["default"] for key, field in view.items() if key.startswith("my_")}


def test_the_first_document_links_to_whoever_asks(master, person, node):
    person.request("web")
    instance = master.instance(node, "web")
    for asker, module in (
        (person, "person_module"),
        (node, "compute_node_module"),
        (instance, "software_instance_module"),
    ):
        links = asker.get("hateoas/").json["_links"]
        assert links["me"]["href"] == f"urn:jio:get:{module}/{asker.reference}"
        assert links["self"]["href"] == asker.get("getHateoasUrl").text
        assert fields_of(asker, f"{module}/{asker.reference}")["reference"] == asker.reference


def test_nobody_is_told_how_to_prove_who_asks(master):
    answer = master.nobody().get("hateoas", status=401)
    assert answer.headers["WWW-Authenticate"].startswith("X-Delegate ")


def test_all_services_are_listed_though_there_are_more_than_a_page(person, node):
    for number in range(100):
        person.ask(f"web {number}", status="*")
    rows = search(person, TREES, "title", "url_string")
    assert {row["title"] for row in rows} == {f"web {number}" for number in range(100)}
    assert {row["url_string"] for row in rows} == {RELEASE}


def test_pages_follow_one_another_and_hold_every_row_once(person, node):
    for number in range(7):
        person.ask(f"web {number}", status="*")
    titles = []
    page = search_page(person, TREES, "title", limit="0,3")
    while True:
        titles += [row["title"] for row in page["_embedded"]["contents"]]
        assert page["_embedded"]["count"] == len(page["_embedded"]["contents"])
        if "next" not in page["_links"]:
            break
        page = person.get(path_of(page["_links"]["next"]["href"])).json
    assert titles == [f"web {number}" for number in range(7)]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("2", ["a", "b"]), ("1,1", ["b"]), ("[1, 2]", ["b", "c"]), ("5,9", []), ("0", [])],
)
def test_a_limit_is_a_count_or_a_start_and_a_count(person, node, limit, expected):
    for title in "abc":
        person.request(title)
    assert [row["title"] for row in search(person, TREES, "title", limit=limit)] == expected


def test_a_service_is_shown_with_what_was_asked_and_published(master, person, project, node):
    def add_product(act):
        product = SoftwareProduct(act.new_reference("PROD"), "web server", project)
        product.add_release(SoftwareRelease(RELEASE, "1.0", act.now))
        act.site.catalog.add(product)

    master.change(add_product)
    parameters = {"é": "<&>", "_": '{"a": 1}', "empty": ""}
    person.request("web", parameters=parameters, software_type="big")
    instance = master.instance(node, "web")
    connection = marshalled({"url": "http://é"})
    instance.post(
        "setComputerPartitionConnectionXml", {**instance.place, "connection_xml": connection}
    )
    node.post("startedComputerPartition", instance.place)
    [row] = search(person, TREES + ' AND title:="web"', "title", "relative_url")
    document = look_up(person, row["relative_url"]).json
    assert document["_links"]["type"]["name"] == "Instance Tree"
    assert document["_links"]["parent"]["href"] == "urn:jio:get:instance_tree_module"
    shown = fields_of(person, row["relative_url"])
    assert read_parameters(shown.pop("text_content")) == parameters
    [news] = shown.pop("news")["instance"]
    assert news["text"] == "#access Instance correctly started"
    assert shown == {
        "title": "web",
        "short_title": "",
        "description": "",
        "reference": "HOSTSUBS-1",
        "source_title": "web server",
        "source_reference": "big",
        "url_string": RELEASE,
        "slap_state": "started",
        "root_slave": 0,
        "connection_parameter_list": [
            {"connection_key": "url", "connection_value": "http://é"}
        ],
    }


def test_the_instances_of_a_service_are_listed_the_shared_ones_too(master, person, node):
    person.request("web", parameters={"a": "b"})
    person.request("other")
    instance = master.instance(node, "web")
    instance.request("child")
    instance.request("share", shared=True)
    rows = search(
        person, INSTANCES.format("web"),
        "uid", "title", "relative_url", "portal_type", "url_string", "text_content",
        "getConnectionXmlAsDict", "SoftwareInstance_getNewsDict",
    )  # fmt: skip
    assert {row["title"]: row["portal_type"] for row in rows} == {
        "child": "Software Instance",
        "web": "Software Instance",
        "share": "Slave Instance",
    }
    assert len({row["uid"] for row in rows}) == 3
    [share] = [row for row in rows if row["title"] == "share"]
    assert share["SoftwareInstance_getNewsDict"]["is_slave"] == 1
    [web] = [row for row in rows if row["title"] == "web"]
    assert read_parameters(web["text_content"]) == {"a": "b"}


@pytest.mark.parametrize("state", ["stopped", "destroyed"])
def test_news_say_that_an_instance_is_to_be_stopped_or_gone(master, person, node, state):
    person.request("web")
    instance = master.instance(node, "web")
    instance.request("child")
    instance.ask("child", state=state, status="*")
    rows = search(
        person, INSTANCES.format("web"), "title", "SoftwareInstance_getNewsDict"
    )
    [news] = [row["SoftwareInstance_getNewsDict"] for row in rows if row["title"] == "child"]
    assert news["text"] == f"#nodata is an {state} instance"
    assert news[f"is_{state}"] == 1


def test_nodes_are_listed_and_found_by_reference_and_title(master, person, project, node):
    second = master.add_node(project, "second node")
    rows = search(person, NODES, "title", "reference")
    assert {row["title"]: row["reference"] for row in rows} == {
        "first node": node.reference,
        "second node": second.reference,
    }
    for query in (f'reference:="{second.reference}"', 'title:="second node"'):
        [row] = search(person, f"{NODES} AND {query}", "reference", "relative_url")
        assert row["reference"] == second.reference
        assert fields_of(person, row["relative_url"])["title"] == "second node"


def test_old_names_of_types_are_understood(person, node):
    person.request("web")
    assert search(person, 'portal_type:"Hosting Subscription"')
    assert search(person, 'portal_type:="Computer"')
    assert len(search(person, 'portal_type:("Computer", "Hosting Subscription")')) == 2


def test_news_of_a_node_tell_of_itself_and_of_its_partitions(master, person, node):
    person.request("web")
    node.see()
    node.post("startedComputerPartition", node.place_of("web"))
    news = fields_of(person, f"compute_node_module/{node.reference}")["news"]
    assert news["computer"]["text"] == f"#access {node.reference}"
    texts = {name: status["text"] for name, status in news["partition"].items()}
    place = node.told("web")["_partition_id"]
    assert texts == {place: "#access Instance correctly started"}


def test_releases_on_a_node_are_listed_with_their_news(person, node):
    node.post("availableSoftwareRelease", {"computer_id": node.reference, "url": RELEASE})
    [row] = search(
        person, RELEASES.format(node.reference),
        "uid", "relative_url", "url_string", "SoftwareInstallation_getNewsDict",
    )  # fmt: skip
    text = f"#access software release {RELEASE} available"
    assert row["url_string"] == RELEASE
    assert row["SoftwareInstallation_getNewsDict"]["text"] == text
    assert fields_of(person, row["relative_url"])["news"]["text"] == text


def test_a_token_registers_one_node_and_no_second(master, person, project):
    url = person.get("hateoas").json["_links"]["self"]["href"]
    answer = person.get(path_of(url + "/computer_module/Base_getComputerToken"))
    assert answer.headers["Cache-Control"] == "private, no-store"
    headers = {"X-Access-Token": answer.json["access_token"]}
    nobody = master.nobody()
    made = nobody.post("Person_requestComputer", {"title": "new"}, headers=headers).json
    assert made["reference"].startswith("COMP-")
    refused = nobody.post(
        "Person_requestComputer", {"title": "newer"}, headers=headers, status=403
    )
    assert "has been used" in refused.text


def test_a_token_needs_a_project_whose_nodes_one_runs(master, person, project):
    customer = master.add_person("customer")
    master.give_role(project, customer, Role.CUSTOMER)
    path = "hateoas/computer_module/Base_getComputerToken"
    assert "not a member of any" in customer.get(path, status=404).text
    other = master.add_project("second", person)
    refused = person.get(path, status=400).text
    assert project in refused and other in refused
    assert person.get(path, {"project_reference": other}).json["access_token"]


def test_a_person_finds_what_is_theirs_and_nothing_else(master, person, project, node):
    person.request("web")
    stranger = master.add_person("stranger")
    master.add_project("elsewhere", stranger)
    for query in (
        TREES,
        TREES + ' AND reference:="HOSTSUBS-1"',
        TREES + f' AND follow_up_reference:="{project}"',
        INSTANCES.format("web"),
        'portal_type:"Software Instance" AND reference:="SOFTINST-1"',
        f'portal_type:"Software Instance" AND default_aggregate_reference:="{node.reference}"',
        'portal_type:"Software Instance" AND default_specialise_reference:="HOSTSUBS-1"',
        NODES,
        NODES + f' AND reference:="{node.reference}"',
        NODES + f' AND follow_up_reference:="{project}"',
        RELEASES.format(node.reference),
        'portal_type:"Software Installation"',
    ):
        assert search(person, query), query
        assert search(stranger, query) == [], query


def test_a_customer_sees_the_nodes_but_not_what_others_have_on_them(master, person, project, node):
    customer = master.add_person("customer")
    master.give_role(project, customer, Role.CUSTOMER)
    person.request("web")
    place = customer.request("web").attributes["slap_computer_partition_id"]
    [row] = search(customer, TREES, "reference")
    assert row["reference"] == "HOSTSUBS-2"
    news = fields_of(customer, f"compute_node_module/{node.reference}")["news"]
    assert list(news["partition"]) == [place]
    assert search(customer, TREES + ' AND reference:="HOSTSUBS-1"') == []


def test_who_runs_the_nodes_finds_all_services_of_the_project_by_naming_it(
    master, person, project, node
):
    customer = master.add_person("customer")
    master.give_role(project, customer, Role.CUSTOMER)
    customer.request("theirs")
    person.request("mine")
    assert [row["title"] for row in search(person, TREES)] == ["mine"]
    named = search(person, TREES + f' AND follow_up_reference:="{project}"')
    assert {row["title"] for row in named} == {"mine", "theirs"}
    assert search(customer, TREES + f' AND follow_up_reference:="{project}"') == [
        row for row in named if row["title"] == "theirs"
    ]


def test_an_operator_finds_every_node(master, person, node):
    assert len(search(master.add_person("operator", operator=True), NODES)) == 1


def test_a_node_finds_itself_and_what_lives_on_it(master, person, project, node):
    other = master.add_node(project, "other", partitions=1)
    person.supply(other)
    person.request("here", demands={"computer_guid": node.reference})
    person.request("there", demands={"computer_guid": other.reference})
    assert [row["reference"] for row in search(node, NODES)] == [node.reference]
    found = search(node, 'portal_type:"Software Instance"')
    assert [row["title"] for row in found] == ["here"]
    assert search(node, TREES) == []
    assert len(search(node, 'portal_type:"Software Installation"')) == 1


def test_an_instance_finds_its_own_tree(master, person, node):
    person.request("web")
    person.request("other")
    instance = master.instance(node, "web")
    instance.request("child")
    assert [row["title"] for row in search(instance, TREES)] == ["web"]
    found = search(instance, 'portal_type:"Software Instance"')
    assert {row["title"] for row in found} == {"web", "child"}
    assert [row["reference"] for row in search(instance, NODES)] == [node.reference]


def test_a_destroyed_service_is_not_found_any_more(person, node):
    person.request("web")
    person.ask("web", state="destroyed", status="*")
    assert search(person, TREES) == []
    assert look_up(person, "instance_tree_module/HOSTSUBS-1", status=404)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({}, "field 'query' is missing"),
        ([("query", "a:1"), ("query", "a:1")], "field 'query' is there twice"),
        ({"query": "nonsense"}, "where ':' is expected"),
        ({"query": 'portal_type:"Nonsense"'}, "portal_type 'Nonsense'"),
        ({"query": "portal_type:Computer AND titel:x"}, "key 'titel'; did you mean 'title'?"),
        ({"query": "title:x"}, "names no portal_type"),
        ({"query": "portal_type:Computer", "select_list": "titel"}, "column 'titel'"),
        ({"query": "portal_type:Computer", "limit": "-1"}, "the limit '-1'"),
        ({"query": "portal_type:Computer", "limit": "1,2,3"}, "the limit '1,2,3'"),
        ({"query": "portal_type:Computer", "sort_on": "title"}, "the field 'sort_on'"),
        ({"query": "(" * 50}, "nested deeper"),
    ],
)
def test_a_search_that_is_not_understood_is_refused_by_name(master, fields, fault):
    person = master.add_person("owner")
    with master.writing_nothing():
        answer = person.get(f"hateoas/search?{urlencode(fields)}", status=400)
    assert fault in answer.text


def test_an_unknown_view_is_refused(person, node):
    path = f"hateoas/compute_node_module/{node.reference}"
    assert "no view 'nonsense'" in person.get(path, {"view": "nonsense"}, status=400).text


def test_one_person_alone_sees_it_all_without_certificates(make_master):
    master = make_master(alone=True)
    me = master.add_person("me")
    project = master.add_project("mine", me)
    node = master.add_node(project, "n", partitions=2)
    me.supply(node)
    me.request("web")
    assert [row["title"] for row in search(me, TREES)] == ["web"]
    assert [row["title"] for row in search(me, NODES)] == ["n"]
    assert fields_of(me, "instance_tree_module/HOSTSUBS-1")["title"] == "web"
    token = me.get("hateoas/computer_module/Base_getComputerToken", status=404)
    assert "without certificates" in token.text


def test_a_search_reads_little_of_a_large_site(make_master):
    master = make_master(in_memory=True)
    me, other = master.add_person("me"), master.add_person("other")
    project = master.add_project("large", other)
    master.give_role(project, me, Role.CUSTOMER)
    for number in range(300):
        other.ask(f"web {number}", status=408)
    me.ask("mine", status=408)
    queries = {
        TREES: 1,
        TREES + ' AND title:="mine"': 1,
        INSTANCES.format("mine"): 1,
        'portal_type:"Software Instance" AND reference:="SOFTINST-301"': 1,
        NODES: 0,
    }
    for query, expected in queries.items():
        loads, rows = count_loads(master, lambda query=query: search(me, query, "title"))
        assert len(rows) == expected
        assert loads < 60, query
    loads, rows = count_loads(master, lambda: search(other, TREES + ' AND title:="web 7"'))
    assert (len(rows), loads < 60) == (1, True)


def count_loads(master, reading):
    """Count the objects that ``reading`` has read from the store, with nothing in memory."""
    database = master.store.main
    database.cacheMinimize()
    monitor = ActivityMonitor()
    database.setActivityMonitor(monitor)
    found = reading()
    database.setActivityMonitor(None)
    return sum(part["loads"] for part in monitor.getActivityAnalysis()), found
