"""The whole life of an instance, stage by stage, as the real command line leads it.

The stages are methods of a class, in order; each leaves the world as the next one wants it.  What
differs between a master with certificates and a proxy without is in the classes that use these.
"""

import json
from pathlib import Path

from slapmaster.demo.node import OFFLINE
from slapmaster.demo.node import PROMISE_FAILED
from tests.peers.world import World
from tests.peers.world import fetch
from tests.peers.world import is_served
from tests.peers.world import read_connection
from tests.peers.world import wait_until

#: run by `slapos console`, which gives a script the objects `slap`, `request` and `getInformation`
SHOW_INFORMATION = """
import json, sys
found = getInformation(sys.argv[1])
print("INFORMATION " + json.dumps({
    "state": found._requested_state,
    "url": found._software_release_url,
    "parameters": found._parameter_dict,
}))
"""

#: run with the certificate of a partition, as a program inside it would be
AS_PARTITION = """
import sys, slapos.slap
url, key, certificate, node, partition, verb, word = sys.argv[1:]
slap = slapos.slap.slap()
slap.initializeConnection(url, key or None, certificate or None)
getattr(slap.registerComputerPartition(node, partition), verb)(word)
"""


def as_partition(world: World, partition: str, verb: str, word: str):
    """Call a method of the client's partition object with the certificate of ``partition``."""
    configuration = world.node.read_configuration()["slapos"]
    pki = configuration.get("certificate_repository_path", "")
    pair = [f"{pki}/{partition}.{end}" if pki else "" for end in ("key", "crt")]
    words = (world.master.api_url, *pair, world.node.reference, partition, verb, word)
    return world.client.ask(AS_PARTITION, *words)


def read_service(world: World, title: str) -> dict:
    output = world.client.service_info(title).require().output
    return json.loads(output[output.index("{") : output.rindex("}") + 1])


class FirstDays:
    """From the format of a node to the first page served."""

    def test_the_node_is_formatted(self, world):
        world.node.format().require()
        listed = world.client.computer_list().require().output
        assert world.node.reference in listed

    def test_the_node_is_shown_to_its_owner(self, world):
        output = world.client.computer_info(world.node.reference).require().output
        assert f"Computer Reference: {world.node.reference}" in output

    def test_a_release_is_supplied_and_built(self, world):
        world.client.supply(world.hello, world.node.reference).require()
        world.node.software().require()
        assert list(world.node.software_root.glob("*/instance.cfg"))
        assert not world.node.has_worked(world.node.software().require())

    def test_an_instance_is_requested_and_served(self, world):
        asked = ("--parameters", "greeting=Welcome")
        assert world.request_ready("web", *asked) == {}
        world.node.settle()
        url = world.request_ready("web", *asked)["url"]
        assert "<h1>Welcome</h1>" in fetch(url)

    def test_the_service_is_listed_and_shown(self, world):
        listed = world.client.service_list().require().output
        assert json.loads(listed[listed.index("{") :]) == {"web": world.hello}
        shown = read_service(world, "web")
        assert shown["instance-parameters"] == {"greeting": "Welcome"}
        assert shown["connection-parameters"]["url"].startswith("http://127.")
        assert shown["software-url"] == world.hello
        assert not shown["shared"]
        assert shown["status"] == "green"


class Catalogue:
    """A product's name in the place of a URL."""

    def announce(self, world):
        """Have the product ``hello`` known, where it is not from the start."""

    def test_a_product_stands_for_its_newest_release(self, world):
        self.announce(world)
        supplied = world.client.supply("product.hello", world.node.reference).require()
        assert f"Found as {world.hello}" in supplied.output
        asked = ("--parameters", "greeting=Welcome")
        shown = world.client.request("web", "product.hello", *asked).require()
        assert read_connection(shown.output)["url"] == world.request_ready("web", *asked)["url"]


class LastDays:
    """From the order to destroy to a node with nothing on it."""

    def test_what_is_destroyed_leaves_the_node(self, world):
        listed = world.client.service_list().require().output
        for title in json.loads(listed[listed.index("{") :]):
            shown = read_service(world, title)
            kind = ("--slave",) if shown["shared"] else ()
            world.destroy(title, "--type", shown["software-type"], *kind)
        assert world.report_until_gone() > 0
        left = [path for path in world.node.instance_root.glob("slappart*/etc/service/*")]
        assert not left
        assert "{}" in world.client.service_list().require().output

    def test_a_release_is_removed_from_the_node(self, world):
        world.client.remove(world.hello, world.node.reference).require()
        world.node.software().require()
        assert not list(world.node.software_root.glob("*/instance.cfg"))


class MiddleDays:
    """What happens to an instance between its first page and its end."""

    def test_parameters_are_taken_in_every_form(self, world):
        forms = {
            "wishes.json": '{"greeting": "Hello from JSON"}',
            "wishes.yaml": "greeting: Hello from YAML\n",
            "wishes.xml": XML_WISHES,
        }
        for name, text in forms.items():
            path = write_wishes(world, name, text)
            world.request("web", "--parameters-file", path).require()
            greeting = read_service(world, "web")["instance-parameters"]["greeting"]
            assert greeting == f"Hello from {name.rpartition('.')[2].upper()}"

    def test_a_document_in_one_parameter_is_kept_as_it_is(self, world):
        path = write_wishes(world, "deep.json", '{"deep": {"list": [1, 2]}}')
        asked = ("--parameters-file", path, "--force-serialisation", "json-in-xml")
        world.request("deep", *asked).require()
        shown = read_service(world, "deep")["instance-parameters"]
        assert shown == {"_": {"deep": {"list": [1, 2]}}}
        world.request("deep", *asked, "--state", "destroyed").require()
        world.report_until_gone()

    def test_changed_parameters_reach_the_running_service(self, world):
        asked = ("--parameters", "greeting=Good morning")
        world.request("web", *asked).require()
        world.node.settle()
        url = world.request_ready("web", *asked)["url"]
        wait_until(lambda: is_served(url) and "Good morning" in fetch(url))

    def test_the_same_request_again_leaves_the_node_idle(self, world):
        world.request("web", "--parameters", "greeting=Good morning").require()
        outcome = world.node.instance().require()
        assert not world.node.has_worked(outcome)

    def test_a_restart_of_the_master_is_no_news(self, world):
        world.master.end()
        assert world.node.instance().code == OFFLINE
        world.master.serve()
        outcome = world.node.instance().require()
        assert not world.node.has_worked(outcome)
        assert read_service(world, "web")["status"] == "green"

    def test_a_bang_of_the_node_has_everything_processed_again(self, world):
        quiet = world.node.instance().require()
        assert not world.node.has_worked(quiet)
        world.node.slapos("bang", "-m", "somebody pulled the cord").require()
        assert world.node.has_worked(world.node.instance().require())
        world.node.settle()

    def test_a_bang_of_a_partition_has_it_processed_again(self, world):
        partition = find_partition(world, "web")
        as_partition(world, partition, "bang", "a promise failed").require()
        assert world.node.has_worked(world.node.instance().require(), partition)
        world.node.settle()

    def test_an_instance_is_stopped_and_started(self, world):
        asked = ("--parameters", "greeting=Good morning")
        url = world.request_ready("web", *asked)["url"]
        world.request("web", *asked, "--state", "stopped").require()
        world.node.settle()
        wait_until(lambda: not is_served(url))
        assert read_service(world, "web")["requested-state"] == "stopped"
        world.request("web", *asked, "--state", "started").require()
        world.node.settle()
        assert "Good morning" in fetch(url)

    def test_a_promise_that_fails_is_told(self, world):
        asked = ("--parameters", "greeting=Good morning", "port=99999")
        world.request("web", *asked)
        outcome = world.node.instance()
        assert outcome.code == PROMISE_FAILED
        assert "hello-answers.py' failed" in outcome.output
        self.check_status_after_failure(world)
        world.request("web", "--parameters", "greeting=Good morning").require()
        world.node.settle()

    def check_status_after_failure(self, world):
        assert read_service(world, "web")["status"] == "red"

    def test_promises_are_checked_on_their_own(self, world):
        outcome = world.node.slapos("promise").require()
        assert "promises" in outcome.output

    def test_an_instance_is_put_on_the_node_that_is_named(self, world):
        where = ("--node", f"computer_guid={world.node.reference}")
        world.request("placed", *where).require()
        world.node.settle()
        assert "url" in world.request_ready("placed", *where)

    def test_an_instance_renames_itself(self, world):
        partition = find_partition(world, "placed")
        as_partition(world, partition, "rename", "settled").require()
        listed = json.loads("{" + world.client.service_list().output.partition("{")[2])
        assert "settled" in listed
        assert "placed" not in listed

    def test_the_library_gives_information(self, world):
        script = write_wishes(world, "show.py", SHOW_INFORMATION)
        outcome = world.client.command(("console",), script, "web").require()
        line = next(line for line in outcome.output.splitlines() if line.startswith("INFORMATION"))
        shown = json.loads(line.partition(" ")[2])
        assert shown["url"] == world.hello
        assert shown["parameters"] == {"greeting": "Good morning"}

    def test_what_no_node_can_take_is_refused_or_waits(self, world):
        outcome = world.request("nowhere", "--node", "computer_guid=COMP-99999")
        assert outcome.code != 0
        world.destroy("nowhere", "--node", "computer_guid=COMP-99999")

    def test_an_instance_gets_a_child_and_a_share(self, world):
        world.request("family", "--type", "parent").require()
        world.node.settle(rounds=12)
        urls = world.request_ready("family", "--type", "parent")
        assert set(urls) == {"url", "child-url", "host-url", "share-url"}
        assert "Hello from child" in fetch(urls["child-url"])
        assert "Hello from share" in fetch(urls["share-url"])
        assert "share of family" in fetch(urls["host-url"])

    def test_a_person_gets_a_share_in_a_host(self, world):
        asked = ("--type", "host", "--slave", "--parameters", "greeting=Mine")
        assert world.request_ready("mine", *asked) == {}
        world.node.settle()
        url = world.request_ready("mine", *asked)["url"]
        assert "<h1>Mine</h1>" in fetch(url)
        assert read_service(world, "mine")["shared"]


class CompiledRelease:
    """A release with a part in C, and the removal of what nobody uses any more."""

    def test_a_release_in_c_is_compiled_and_served(self, world):
        world.client.supply(world.hello_c, world.node.reference).require()
        world.node.software().require()
        assert list(world.node.shared_root.glob("program/*/hello"))
        asked = ("--parameters", "greeting=Compiled")
        world.client.request("compiled", world.hello_c, *asked).require()
        world.node.settle()
        shown = read_service(world, "compiled")["connection-parameters"]
        assert "served by a program written in C" in fetch(shown["url"])
        assert "<h1>Compiled</h1>" in fetch(shown["url"])

    def test_a_shared_part_is_pruned_when_nobody_uses_it(self, world):
        world.client.request("compiled", world.hello_c, "--state", "destroyed").require()
        world.report_until_gone()
        world.node.slapos("prune").require()
        assert list(world.node.shared_root.glob("program/*/hello"))
        world.client.remove(world.hello_c, world.node.reference).require()
        world.node.software().require()
        world.node.slapos("prune").require()
        assert not list(world.node.shared_root.glob("program/*/hello"))


XML_WISHES = """<instance>
  <parameter id="greeting">Hello from XML</parameter>
</instance>
"""


def write_wishes(world: World, name: str, text: str) -> Path:
    path = world.directory / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def find_partition(world: World, title: str) -> str:
    """Find where an instance lives, by what it was rendered to."""
    for path in world.node.instance_root.glob("slappart*/etc/hello.json"):
        if json.loads(path.read_text())["title"] == title:
            return path.parents[1].name
    raise AssertionError(f"{title} is on no partition")
