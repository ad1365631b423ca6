"""``slapctl apply``: what a file says comes to be, once, and what it doesn't say is left alone."""

import json

import pytest
import yaml

RELEASE = "https://example.com/web/software.cfg"

FILE = """
supplies:
  - {release: "https://example.com/new.cfg", node: shelf}
services:
  front:
    release: https://example.com/web/software.cfg
    parameters: {greeting: Hello, workers: 4}
    demands: {retention_delay: 2}
  back:
    release: https://example.com/web/software.cfg
    type: small
    state: stopped
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def empty(alice, node):
    """Have no service of these titles."""
    yield
    for row in alice.read("service", "list"):
        alice.run("service", "destroy", row["title"], "--yes")


def change(file, **services):
    found = yaml.safe_load(file.read_text())
    for title, said in services.items():
        found["services"][title].update(said)
    file.write_text(yaml.safe_dump(found))


def test_a_difference_is_shown_applied_and_then_gone(alice, node, empty, file):
    shown = alice.run("apply", "-f", file, "--dry-run")
    assert f"+ https://example.com/new.cfg on {node.reference}" in shown
    assert "+ service 'front'" in shown and "parameters.workers: '4'" in shown
    assert alice.read("service", "list") == []
    alice.run("apply", "-f", file, "--yes")
    assert alice.run("apply", "-f", file).strip() == "Everything is as the file says."
    states = {row["title"]: row["state"] for row in alice.read("service", "list")}
    assert states == {"front": "started", "back": "stopped"}
    front = alice.read("service", "info", "front")
    assert front["parameters"] == {"greeting": "Hello", "workers": "4"}


def test_what_changed_in_the_file_changes_and_the_rest_is_left_alone(alice, node, empty, file):
    alice.run("apply", "-f", file, "--yes")
    alice.run("request", "other", RELEASE, "-p", "mine=1")
    before = alice.read("service", "info", "back")
    change(file, front={"parameters": {"greeting": "Bye"}, "type": "large"})
    (step,) = json.loads(alice.run("apply", "-f", file, "--dry-run", "--json"))
    assert (step["sign"], step["subject"]) == ("~", "service 'front'")
    assert {line["name"]: (line["is"], line["shall_be"]) for line in step["differences"]} == {
        "type": ("default", "large"),
        "parameters.greeting": ("Hello", "Bye"),
        "parameters.workers": ("4", ""),
    }
    alice.run("apply", "-f", file, "--yes")
    front = alice.read("service", "info", "front")
    assert (front["parameters"], front["software_type"]) == ({"greeting": "Bye"}, "large")
    assert alice.read("service", "info", "back") == before
    assert alice.read("service", "info", "other")["parameters"] == {"mine": "1"}


def test_what_was_changed_by_hand_is_brought_back(alice, node, empty, file):
    alice.run("apply", "-f", file, "--yes")
    alice.run("service", "set", "front", "-p", "greeting=Hi")
    alice.run("service", "start", "back")
    alice.run("apply", "-f", file, "--yes")
    assert alice.read("service", "info", "front")["parameters"]["greeting"] == "Hello"
    assert alice.read("service", "info", "back")["state"] == "stopped"


def test_what_shall_be_gone_goes_once(alice, node, empty, file):
    alice.run("apply", "-f", file, "--yes")
    change(file, front={"state": "destroyed"})
    assert "- service 'front'" in alice.run("apply", "-f", file, "--yes")
    assert "Everything is as" in alice.run("apply", "-f", file)
    assert [row["title"] for row in alice.read("service", "list")] == ["back"]


def test_a_release_that_shall_be_gone_is_removed(alice, node, empty, tmp_path):
    alice.run("supply", "https://example.com/x.cfg", "shelf")
    path = tmp_path / "site.json"
    supply = {"release": "https://example.com/x.cfg", "node": "shelf", "state": "destroyed"}
    path.write_text(json.dumps({"supplies": [supply]}))
    assert "- https://example.com/x.cfg" in alice.run("apply", "-f", path, "--yes")
    assert "Everything is as" in alice.run("apply", "-f", path)


def test_a_project_named_in_the_file_is_no_difference(alice, node, empty, file):
    change(file, front={"project": "PROJ-1"})
    alice.run("apply", "-f", file, "--yes")
    assert "Everything is as" in alice.run("apply", "-f", file)
    change(file, front={"demands": {}})
    alice.run("apply", "-f", file, "--yes")
    assert "Everything is as" in alice.run("apply", "-f", file)


def test_a_product_s_name_stands_for_its_newest_release(alice, node, empty, file):
    alice.run("software", "add", "web", RELEASE)
    change(file, front={"release": "product.web"})
    alice.run("apply", "-f", file, "--yes")
    assert "Everything is as" in alice.run("apply", "-f", file)
    assert alice.read("service", "info", "front")["release_url"] == RELEASE


def test_nothing_is_done_unless_somebody_says_yes(alice, node, empty, file):
    assert "say --yes" in alice.run("apply", "-f", file, code=6)
    assert alice.read("service", "list") == []


def test_a_shared_instance_can_t_become_another_kind(alice, node, empty, file):
    alice.run("apply", "-f", file, "--yes")
    change(file, front={"shared": True})
    assert "use another title" in alice.run("apply", "-f", file, "--yes", code=6)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[]", "is a list, not a mapping"),
        ("a: [", "is not YAML"),
        ("servces: {}", "did you mean 'services'?"),
        ("services: {web: {relase: x}}", "did you mean 'release'?"),
        ("services: {web: {}}", "the service 'web' has no release"),
        ("services: {web: {release: 1}}", "release of the service 'web' is a int"),
        ("services: {web: {release: x, state: flying}}", "is 'flying', not started or"),
        ("services: {web: {release: x, shared: 1}}", "neither true nor false"),
        ("services: {web: {release: x, parameters: [1]}}", "parameters of the service 'web'"),
        ("services: {web: {release: x, parameters: {a: }}}", "'a' has no value"),
        ("services: {web: {release: x, demands: {retention_delay: x}}}", "not a number"),
        ("supplies: {}\nservices: []", "services is a list"),
        ("supplies: x", "supplies is a str, not a list"),
        ("supplies: [{release: x}]", "supplies[0] has no node"),
        ("supplies: [{release: x, node: y, state: started}]", "is 'started', not available or"),
        ("a: \x00", "is not YAML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(alice, tmp_path, text, fault):
    path = tmp_path / "site.yaml"
    path.write_text(text)
    assert fault in alice.run("apply", "-f", path, "--yes", code=6)


def test_a_file_that_is_not_there_is_named(alice, tmp_path):
    assert "none.yaml" in alice.run("apply", "-f", tmp_path / "none.yaml", code=1)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    assert "not UTF-8" in alice.run("apply", "-f", tmp_path / "bytes.yaml", code=6)
