"""Commands that say who may live where."""

import json

import pytest
from click.testing import CliRunner

from slapcore.states import ReleaseState
from slapmaster.cli import main
from slapmaster.control.operation import Asked
from slapmaster.control.operation import make_act
from slapmaster.domain.installation import supply
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_service
from slapmaster.master import opened_master
from slapmaster.settings import Settings
from slapmaster.storage import change
from tests.factories import specs

RELEASE = "http://example.com/web/software.cfg"
PLAN = ("plan", RELEASE)


def fill(act):
    """Two nodes of three partitions, and a service."""
    project = act.site.projects["PROJ-1"]
    for title in ("desk", "rack"):
        node = register_node(act, project, title)
        format_node(act, node, NodeFacts(), specs(3))
        supply(act, node, RELEASE, ReleaseState.AVAILABLE)
    wanted = Wanted(title="web", release_url=RELEASE, software_type="default")
    request_service(act, act.site.persons["PERS-1"], project, wanted)


@pytest.fixture
def say(tmp_path):
    def run(*words, code=0):
        arguments = ["--directory", str(tmp_path / "data"), *map(str, words)]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == code, f"{words}: {done.output} {done.exception!r}"
        return done.stderr if code else done.stdout

    run("init", "--operator", "alice")
    with opened_master(Settings(data_directory=tmp_path / "data"), block=1) as opened:
        asked = Asked(name="fill", arguments={}, by="test")
        change(opened.parts.store.main, lambda site: fill(make_act(opened, site, asked)))
    yield run
    assert json.loads(run("check", "--json"))["count"] == 0


@pytest.fixture
def read(say):
    return lambda *words: json.loads(say(*words, "--json"))


def test_a_node_is_described_and_found_by_it(say, read):
    lan = read("network", "add", "lan")["reference"]
    said = read(
        "node", "set", "rack", "--network", "lan", "--category", "region=europe/france",
        "--category", "memory_size=64", "--capacity", 2,
    )  # fmt: skip
    assert (said["network"], said["capacity"], said["changed"]) == (lan, 2, True)
    assert said["categories"] == {"memory_size": "64", "region": "europe/france"}
    assert read("network", "list")[0]["nodes"] == 1
    assert "lan" in say("network", "list", "--project", "main")
    for demand in ("region=europe", f"network_guid={lan}", "memory_size=64"):
        assert read(*PLAN, "--node", demand)["node"] == said["reference"]
    said = read("node", "set", "rack", "--network", "", "--category", "region=")
    assert (said["network"], said["categories"]) == ("", {"memory_size": "64"})
    assert read("node", "show", "rack")["availability"] in ("room", "loaded")
    assert "did you mean 'region'" in say("node", "set", "rack", "--category", "regon=x", code=1)
    assert "not like region=" in say("node", "set", "rack", "--category", "europe", code=1)
    assert "no network 'wan'" in say("node", "set", "rack", "--network", "wan", code=1)


def test_a_value_is_declared_before_a_node_has_it(say, read):
    wish = (*PLAN, "--node", "region=mars")
    assert "nothing is known of the region 'mars'" in say(*wish, code=1)
    say("project", "category", "main", "region", "mars/north")
    assert "2: without region mars" in say(*wish)
    assert read("project", "show", "main")["categories"] == ["region=mars/north"]


def test_a_project_has_a_policy(say, read):
    said = read("project", "policy", "main")
    assert (said["policy"], said["installed"]) == ("", ["pack", "pinned", "random", "spread"])
    assert read("project", "policy", "main", "pack")["changed"]
    assert read("plan", RELEASE)["policy"] == "pack"
    assert "installed are" in say("project", "policy", "main", "nothing-like-it", code=1)


def test_allocation_supplies_are_set_listed_and_removed(say, read):
    say("product", "add", "hello")
    say("product", "release", "hello", RELEASE)
    row = read("allocation", "set", "public", "--node", "desk", "--allow", "hello", "*", "*")
    assert row["nodes"] == [read("node", "show", "desk")["reference"]]
    assert row["allow"] == [{"product": "SOFTPROD-1", "type": "*", "release": "*"}]
    assert read(*PLAN)["node"] == row["nodes"][0]
    assert read("allocation", "list") == [row] == read("allocation", "list", "--project", "main")
    assert "no allocation supply" in say(*PLAN, "--node", "computer_guid=COMP-2")
    assert read("allocation", "remove", "public")["removed"]
    assert read("allocation", "list") == []
    assert "no allocation supplies are called 'public'" in say(
        "allocation", "remove", "public", code=1
    )


def test_a_host_is_offered(say, read):
    instance = read("instance", "show", "web")["reference"]
    host = read("host", "add", "web", "--title", "database")
    assert (host["title"], host["instance"]) == ("database", instance)
    say("allocation", "set", "databases", "--host", instance, "--node", "every")
    other = ("plan", "http://example.com/other.cfg", "--shared")
    assert read(*other)["partition"] == read("instance", "show", "web")["partition"]
    assert read("host", "list") == [host]
    assert read("host", "remove", host["reference"])["removed"]
    assert "can host this shared instance yet" in say(*other)
    assert "no instance node 'x'" in say("host", "remove", "x", code=1)


def test_a_type_has_a_weight(say, read):
    say("product", "add", "hello")
    say("product", "release", "hello", RELEASE)
    assert read("product", "weight", "hello", "big", 5)["changed"]
    say("node", "set", "desk", "--capacity", 4)
    say("node", "set", "rack", "--capacity", 4)
    assert "no room for what takes 5" in say(*PLAN, "--type", "big")
    assert read(*PLAN)["node"]


def test_a_remote_is_added_and_listed(say, read):
    added = read(
        "remote", "add", "cloud", "--url", "https://other.example.com", "--partitions", 2,
        "--remote-project", "PROJ-9", "--node", "region=europe",
    )  # fmt: skip
    assert (added["partitions"], added["demands"]) == (2, {"region": "europe"})
    assert read("remote", "list") == [added]
    say("project", "add", "annex", "--manager", "alice")
    here = read("remote", "add", "here", "--person", "alice", "--remote-project", "annex",
                "--project", "main")  # fmt: skip
    assert (here["person"], here["remote_project"]) == ("PERS-1", "PROJ-2")
    say("supply", "cloud", "http://example.com/far.cfg")
    assert read("plan", "http://example.com/far.cfg", "--project", "main")["node"] == added[
        "reference"
    ]


def test_a_project_may_have_the_rules_of_one_person(say, read):
    say("project", "add", "playground", "--manager", "alice", "--any-release", "--open-hosts")
    shown = read("project", "show", "playground")
    assert (shown["any_release"], shown["open_hosts"]) == (True, True)
