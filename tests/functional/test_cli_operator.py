"""What operators list, show and change: alike with a running server and without one."""

import json
import stat

import pytest
from click.testing import CliRunner

from slapcore.states import InstanceState
from slapcore.states import ReleaseState
from slapmaster.cli import main
from slapmaster.control.operation import Asked
from slapmaster.control.operation import make_act
from slapmaster.domain.installation import supply
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_service
from slapmaster.master import opened_master
from slapmaster.settings import Settings
from slapmaster.storage import change
from tests.commands import Slapmaster

RELEASE = "http://example.com/web/software.cfg"


def fill(act):
    """A node with one partition; one service lives there and another waits."""
    project = act.site.projects["PROJ-1"]
    node = register_node(act, project, "desk")
    specs = [PartitionSpec("slappart0", (), ())]
    format_node(act, node, NodeFacts(agent_version="1.26.1"), specs)
    supply(act, node, RELEASE, ReleaseState.AVAILABLE)
    for title in ("first", "second"):
        wanted = Wanted(
            title=title,
            release_url=RELEASE,
            software_type="default",
            state=InstanceState.STARTED,
            parameters={"greeting": "hi"},
        )
        request_service(act, act.site.persons["PERS-1"], project, wanted)


@pytest.fixture(scope="module", params=["running", "resting"])
def directory(request, tmp_path_factory):
    """A master with a little in it, whose server runs, or does not."""
    master = Slapmaster(tmp_path_factory.mktemp("operator") / "data")
    master.init()
    with opened_master(Settings(data_directory=master.directory), block=1) as opened:
        asked = Asked(name="fill", arguments={}, by="test")
        change(opened.parts.store.main, lambda site: fill(make_act(opened, site, asked)))
    if request.param == "resting":
        yield master.directory
    else:
        with master.serving():
            yield master.directory


@pytest.fixture
def say(directory):
    def run(*words, code=0):
        arguments = ["--directory", str(directory), *map(str, words)]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == code, f"{words}: {done.output} {done.exception!r}"
        return done.stderr if code else done.stdout

    return run


@pytest.fixture
def read(say):
    return lambda *words: json.loads(say(*words, "--json"))


def test_a_node_is_listed_with_its_room(say, read):
    (node,) = [one for one in read("node", "list") if one["title"] == "desk"]
    assert (node["partitions"], node["free"], node["releases"]) == (1, 0, 1)
    assert "desk" in say("node", "list", "--project", "main")
    shown = read("node", "show", "desk")
    assert shown["agent"] == "1.26.1"
    assert shown["places"][0]["title"] == "first"
    assert shown["releases"][0]["release"] == RELEASE
    assert "slappart0" in say("node", "show", node["reference"])


def test_what_waits_says_why(say, read):
    (waiting,) = read("instance", "list", "--waiting")
    assert waiting["title"] == "second"
    assert "free" in waiting["waiting_for"] or "full" in waiting["waiting_for"]
    assert waiting["waiting_for"] in say("instance", "list", "--waiting")
    shown = read("instance", "show", "second")
    assert shown["waits_since"]
    example = read("node", "show", "desk")["reference"]
    assert shown["why_not"] == [{"count": 1, "why": "no free partition", "example": example}]
    assert shown["parameters"] == {"greeting": "hi"}
    assert "greeting=hi" in say("instance", "show", "second")
    placed = read("instance", "list", "--node", "desk")
    assert [one["title"] for one in placed] == ["first"]
    assert len(read("instance", "list", "--project", "PROJ-1")) == 2


def test_services_are_listed_and_shown(say, read):
    assert {one["title"] for one in read("service", "list")} == {"first", "second"}
    (waiting,) = read("service", "list", "--waiting", "--person", "alice", "--project", "main")
    assert (waiting["title"], waiting["waiting"]) == ("second", 1)
    assert read("service", "show", "first")["all"][0]["partition"] == "slappart0"
    assert "slappart0" in say("service", "show", waiting["reference"].replace("2", "1"))


def test_a_person_and_a_project_are_made_and_joined(say, read):
    bob = read("person", "add", "bob", "bob@example.com")
    assert read("person", "show", "bob@example.com")["reference"] == bob["reference"]
    lab = read("project", "add", "lab", "--manager", "bob")
    assert read("project", "show", "lab")["members"][0]["role"] == "manager"
    said = say("project", "member", "add", "main", "bob")
    assert said.strip() == f"{bob['reference']} in PROJ-1: changed"
    assert "as it was" in say("project", "member", "role", "main", "bob", "customer")
    assert read("project", "member", "role", "main", "bob", "agent")["changed"]
    assert set(read("person", "show", "bob")["projects"]) == {
        "PROJ-1 (agent)", f"{lab['reference']} (manager)",
    }  # fmt: skip
    assert "which project is meant" in say("token", "node", "--person", "bob", code=1)
    assert say("token", "node", "--person", "bob", "--project", "lab").strip()
    say("project", "member", "remove", "main", "bob")
    assert "not a member" in say("token", "node", "--person", "bob", "--project", "main", code=1)
    assert "bob" in say("person", "list")
    assert "lab" in say("project", "list")


def test_what_there_is_twice_or_not_at_all_is_said_in_one_line(say):
    for words in (
        ["person", "add", "alice again", "ALICE@example.com"],
        ["project", "add", "main"],
        ["person", "show", "nobody"],
        ["node", "show", "COMP-9999"],
        ["instance", "show", "third"],
        ["service", "show", "third"],
        ["product", "show", "nothing"],
        ["node", "scope", "desk", "ajar"],
        ["journal", "--since", "yesterday"],
        ["person", "add", "", "x@example.com"],
    ):
        said = say(*words, code=1)
        assert said.startswith("Error: ") and len(said.splitlines()) == 1, words


def test_a_traceback_is_shown_on_demand(directory):
    words = ["--directory", str(directory), "--debug", "node", "show", "COMP-9999"]
    done = CliRunner().invoke(main, words)
    assert type(done.exception).__name__ == "NotFound"


def test_a_person_s_certificate_is_issued_and_revoked(say, read, tmp_path):
    read("person", "add", "carl", "carl@example.com")
    issued = read("person", "certificate", "issue", "carl", tmp_path / "carl")
    assert "BEGIN CERTIFICATE" in (tmp_path / "carl" / "certificate").read_text()
    assert stat.S_IMODE((tmp_path / "carl" / "key").stat().st_mode) == 0o600
    (held,) = read("person", "show", "carl")["certificates"]
    assert held["serial"] == issued["serial"]
    said = say("person", "certificate", "revoke", "carl", "--serial", "00", code=1)
    assert "has no certificate 00" in said
    assert "revoked 1" in say("person", "certificate", "revoke", "carl")
    assert read("person", "show", "carl")["active_certificates"] == 0
    assert "has no certificate" in say("person", "certificate", "revoke", "carl", code=1)
    assert len(say("person", "token", "carl").strip()) > 30


def test_a_node_s_certificate_is_renewed_and_revoked(say, read, tmp_path):
    first = read("node", "certificate", "renew", "desk", tmp_path / "one")
    second = read("node", "certificate", "renew", "desk", tmp_path / "two")
    assert first["serial"] != second["serial"]
    (held,) = read("node", "show", "desk")["certificates"]
    assert held["serial"] == second["serial"]
    assert read("node", "certificate", "revoke", "desk")["revoked"] == 1
    assert "has no certificate" in say("node", "certificate", "revoke", "desk", code=1)


def test_a_node_is_closed_and_opened(say, read):
    assert "changed" in say("node", "scope", "desk", "closed")
    assert read("node", "show", "desk")["scope"] == "close/noallocation"
    assert not read("node", "scope", "desk", "close/noallocation")["changed"]
    assert read("node", "scope", "desk", "open")["changed"]


def test_a_release_is_supplied_and_withdrawn(say, read):
    other = "http://example.com/other/software.cfg"
    assert f"{other} on COMP-1: available" in say("supply", "desk", other)
    assert {one["release"] for one in read("supply", "desk")} == {RELEASE, other}
    assert read("supply", "COMP-1", other, "destroyed")["state"] == "destroyed"
    assert other in say("supply")


def test_a_product_has_releases_with_dates(say, read):
    read("product", "add", "web", "--project", "main")
    read("product", "release", "web", RELEASE, "--title", "1.0", "--effective", "2026-01-31")
    say("product", "release", "web", RELEASE.replace("web", "web2"))
    shown = read("product", "show", "web")
    assert [one["title"] for one in shown["versions"]] == ["software.cfg", "1.0"]
    assert shown["versions"][1]["effective"] == "2026-01-31T00:00:00Z"
    assert "is a release of web already" in say("product", "release", "web", RELEASE, code=1)
    assert "web" in say("product", "list", "--project", "main")
    say("product", "add", "web", "--project", "main", code=1)


def test_the_journal_says_who_did_what(say, read):
    made = read("person", "add", "dora", "dora@example.com")["reference"]
    (event,) = read("journal", "-n", "1", "--subject", made)
    assert event["event"] == "person added"
    assert event["by"].partition("@")[0]
    assert event["origin"] == "control"
    assert [one["subject"] for one in read("journal", "--event", "person add", "-n", "1")] == [made]
    assert read("journal", "--since", "2100-01-01") == []
    placed = read("journal", "--by", "test", "--event", "placed")
    assert len(placed) == 1
    everything = read("journal", "-n", "100000")
    assert [one["when"] for one in everything] == sorted(one["when"] for one in everything)
    assert "dora@example.com" in say("journal", "-n", "1")


def test_a_token_is_printed_once_and_kept_as_a_hash(directory, say, read):
    given = read("token", "client", "--person", "alice")
    assert given["purpose"] == "client"
    plain = say("token", "node", "--person", "alice", "--project", "main").strip()
    stored = (directory / "Data.fs").read_bytes()
    assert given["token"].encode() not in stored
    assert plain.encode() not in stored


def test_nothing_is_wrong_in_the_end(say, read):
    assert say("check").strip() == "nothing is wrong"
    assert read("check") == {"count": 0, "problems": []}
