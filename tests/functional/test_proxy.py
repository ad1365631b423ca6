"""Proxy mode: one person on one machine, by the legacy file, over plain HTTP."""

import http.client
import subprocess
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from slapcore.errors import ConfigurationError
from slapcore.protocol import marshal
from slapcore.server.address import Address
from slapmaster.cli import main
from slapmaster.proxy import read_proxy_settings
from tests.commands import COMMAND
from tests.commands import PATIENCE
from tests.commands import Slapmaster
from tests.served import FORM
from tests.served import RELEASE
from tests.served import Served
from tests.served import check_stored


@pytest.fixture
def proxy(tmp_path):
    served = Served(tmp_path, node="slaprunner")
    served.start()
    yield served
    served.stop()
    check_stored(tmp_path)


def node_of(proxy, name):
    status, body = proxy.call("GET", "getFullComputerInformation", {"computer_id": name})
    return status, marshal.decode(body) if status == 200 else body


def described(name, partitions):
    places = [
        {"reference": f"slappart{number}", "address_list": [], "tap": {}}
        for number in range(partitions)
    ]
    value = {"reference": name, "address": "", "netmask": "", "partition_list": places}
    return {"xml": marshal.encode(value).decode()}


def test_the_configured_node_is_there_before_its_first_format_and_empty(proxy):
    status, node = node_of(proxy, "slaprunner")
    assert status == 200
    assert node.attributes["_computer_partition_list"] == []
    assert node.attributes["_software_release_list"] == []


def test_any_node_that_describes_itself_is_taken_in_under_its_own_name(proxy):
    assert node_of(proxy, "another")[0] == 404
    status, _ = proxy.call("POST", "loadComputerConfigurationFromXML", described("another", 2))
    assert status == 200
    status, node = node_of(proxy, "another")
    names = [one.attributes["_partition_id"] for one in node.attributes["_computer_partition_list"]]
    assert names == ["slappart0", "slappart1"]
    proxy.call("POST", "loadComputerConfigurationFromXML", described("another", 3))
    assert len(node_of(proxy, "another")[1].attributes["_computer_partition_list"]) == 3


def test_an_instance_gets_a_place_without_its_release_being_supplied(proxy):
    proxy.format(2)
    answer = proxy.request("web", greeting="hi")
    assert answer.attributes["slap_computer_id"] == "slaprunner"
    again = proxy.request("web", greeting="hi")
    place = answer.attributes["slap_computer_partition_id"]
    assert again.attributes["slap_computer_partition_id"] == place


def test_without_room_the_answer_is_408_and_says_why(proxy):
    proxy.format(1)
    proxy.request("web")
    fields = {"software_release": RELEASE, "partition_reference": "more"}
    status, body = proxy.call("POST", "requestComputerPartition", fields)
    assert (status, b"free partition" in body) == (408, True)


def test_a_supplied_release_is_told_to_the_node(proxy):
    fields = {"url": RELEASE, "computer_id": "slaprunner"}
    assert proxy.call("POST", "supplySupply", fields)[0] == 200
    _, node = node_of(proxy, "slaprunner")
    (release,) = node.attributes["_software_release_list"]
    assert release.attributes["_requested_state"] == "available"


def test_an_instance_asks_for_a_child_and_for_a_share(proxy):
    proxy.format(3)
    root = proxy.request("root").attributes["slap_computer_partition_id"]
    asked = {
        "software_release": RELEASE,
        "software_type": "default",
        "partition_reference": "child",
        "computer_id": "slaprunner",
        "computer_partition_id": root,
    }
    status, body = proxy.call("POST", "requestComputerPartition", asked)
    assert status == 200
    assert marshal.decode(body).attributes["slap_computer_partition_id"] != root
    shared = {
        **asked,
        "partition_reference": "share",
        "shared_xml": marshal.encode(True).decode(),
    }
    status, body = proxy.call("POST", "requestComputerPartition", shared)
    assert status == 200
    share = marshal.decode(body)
    assert share.class_name == "SoftwareInstance"


def test_an_instance_publishes_reports_and_goes(proxy):
    proxy.format(1)
    place = proxy.request("web").attributes["slap_computer_partition_id"]
    published = marshal.encode({"url": "http://10.0.0.1"}).decode()
    said = {"connection_xml": published, "slave_reference": "None"}
    assert proxy.post("setComputerPartitionConnectionXml", place, **said) == 200
    assert proxy.request("web").attributes["_connection_dict"] == {"url": "http://10.0.0.1"}
    assert proxy.post("startedComputerPartition", place) == 200
    proxy.request("web", state="destroyed")
    assert proxy.post("destroyedComputerPartition", place) == 200
    state = proxy.partitions()[0].attributes["_requested_state"]
    assert state == "destroyed"


def test_hateoas_is_offered_and_there_are_no_certificates(proxy):
    status, body = proxy.call("GET", "getHateoasUrl", {})
    assert (status, body.decode()) == (200, f"http://127.0.0.1:{proxy.port}/hateoas")
    assert proxy.call("GET", "hateoas", {})[0] == 200
    assert proxy.call("GET", "revoked.crl", {})[0] == 404


@pytest.mark.parametrize("header", ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"])
def test_a_page_in_a_browser_can_not_ask_for_anything(proxy, header):
    proxy.format(1)
    name, _, value = header.partition(": ")
    asking = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    form = urlencode({"software_release": RELEASE, "partition_reference": "trap"})
    asking.request("POST", "/requestComputerPartition", form, {**FORM, name: value})
    answer = asking.getresponse()
    assert (answer.status, b"browser" in answer.read()) == (403, True)
    asking.close()
    assert proxy.partitions()[0].attributes["_requested_state"] == "destroyed"


def test_a_name_that_anybody_may_give_this_machine_is_refused(proxy):
    asking = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    asking.request(
        "GET", "/getFullComputerInformation?computer_id=local_computer",
        headers={"Host": "rebound.example"},
    )  # fmt: skip
    answer = asking.getresponse()
    assert (answer.status, b"not known by that name" in answer.read()) == (403, True)
    asking.close()


def test_it_is_there_again_after_a_restart_and_after_sigkill(proxy):
    proxy.format(2)
    first = proxy.request("web").attributes["slap_computer_partition_id"]
    proxy.stop()
    proxy.start()
    proxy.kill()
    proxy.start()
    assert proxy.request("web").attributes["slap_computer_partition_id"] == first
    other = proxy.request("other").attributes["slap_computer_partition_id"]
    assert other != first


def test_operators_commands_work_on_its_directory(proxy):
    data = Slapmaster(proxy.folder / "proxy.db.slapmaster")
    assert [node["reference"] for node in data.read("node", "list")] == ["slaprunner"]
    assert data.read("person", "list")[0]["reference"] == "PERS-1"
    assert data.read("person", "add", "bob", "bob@example.com")["reference"] != "PERS-1"
    assert "works without certificates" in data.run("token", "node", code=1)
    assert "a server works in" in data.run("serve", code=1)


def write(path, text):
    path.write_text(text)
    return path


def test_products_of_the_file_are_the_catalogue(tmp_path):
    served = Served(tmp_path)
    original = served.config.read_text()
    products = "software_product_list =\n  web http://a/1\n  db http://b/1\n"
    served.config.write_text(original + products)
    served.start()
    served.stop()
    served.config.write_text(original + "software_product_list =\n  web http://a/2\n")
    served.start()
    try:
        for product, urls in (("web", ["http://a/2"]), ("db", ["http://b/1"]), ("x", [])):
            asked = {"software_product_reference": product}
            status, body = served.call("GET", "getSoftwareReleaseListFromSoftwareProduct", asked)
            assert (status, marshal.decode(body)) == (200, urls)
    finally:
        served.stop()


def test_legacy_keys_are_read_and_what_has_no_effect_is_said(tmp_path):
    config = write(
        tmp_path / "slapos.cfg",
        "[slapos]\nsoftware_root = /x\ncomputer_id = here\n"
        "[slapproxy]\nhost = ::1\nport = 5001\ndatabase_uri = lib/proxy.db\nlog_file = /x\n"
        "shacache-content-directory = /y\nwhatever = 1\n"
        "software_product_list =\n  web http://a/1\n"
        "[multimaster/https://other.example]\nkey = k\n[slapconsole]\n",
    )
    found = read_proxy_settings(config)
    assert found.address == Address("::1", 5001)
    assert found.directory == tmp_path / "lib" / "proxy.db.slapmaster"
    assert (found.node, found.products) == ("here", (("web", "http://a/1"),))
    assert [sentence.partition(" is ignored")[0] for sentence in found.ignored] == [
        "[multimaster/https://other.example]",
        "[slapproxy] shacache_content_directory",
        "[slapproxy] whatever",
    ]
    other = read_proxy_settings(config, host="localhost", port="1", database_uri="/z/q.db")
    assert (str(other.address), str(other.directory)) == ("localhost:1", "/z/q.db.slapmaster")
    assert found.is_local and other.is_local


def test_it_needs_no_file_when_it_is_told_where_its_data_is(tmp_path):
    found = read_proxy_settings(None, database_uri=str(tmp_path / "proxy.db"))
    assert (str(found.address), found.node) == ("127.0.0.1:5000", "local_computer")
    assert found.directory == tmp_path / "proxy.db.slapmaster"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[slapproxy]\nport = 1\n", "database_uri is missing"),
        ("[slapproxy]\ndatabase_uri = x\nport = many\n", "is not host:port"),
        ("[slapproxy]\ndatabase_uri = x\nhost = a b\nport = 99999\n", "is not host:port"),
        ("[slapproxy]\ndatabase_uri = %(nowhere)s\n", "nowhere"),
        ("[slapproxy]\ndatabase_uri = x\nsoftware_product_list = lonely\n", "'lonely' is not"),
        ("no section\n", "no section"),
    ],
)
def test_a_wrong_file_is_an_error_that_says_what_is_wrong(tmp_path, text, said):
    config = write(tmp_path / "slapos.cfg", text)
    with pytest.raises(ConfigurationError, match=said):
        read_proxy_settings(config)
    done = CliRunner().invoke(main, ["proxy", "--config", str(config)])
    assert (done.exit_code, done.stderr.startswith("Error: ")) == (1, True)


def test_a_missing_file_is_said(tmp_path):
    done = CliRunner().invoke(main, ["proxy", "--config", str(tmp_path / "none.cfg")])
    assert (done.exit_code, "none.cfg" in done.stderr) == (1, True)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_it_does_not_listen_where_others_can_reach_it(tmp_path, host):
    config = write(tmp_path / "slapos.cfg", "[slapproxy]\ndatabase_uri = proxy.db\n")
    done = CliRunner().invoke(main, ["proxy", "--config", str(config), "--host", host])
    assert (done.exit_code, "--allow-remote" in done.stderr) == (1, True)
    assert not (tmp_path / "proxy.db.slapmaster").exists()


def run(*words):
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)


def test_the_directory_of_a_master_with_certificates_is_not_opened_to_everybody(tmp_path):
    config = write(tmp_path / "slapos.cfg", "[slapproxy]\ndatabase_uri = proxy.db\nport = 0\n")
    master = Slapmaster(tmp_path / "proxy.db.slapmaster")
    master.init()
    assert "with certificates" in run("proxy", "--config", config).stderr
    for path in master.directory.glob("*.key"):
        path.unlink()
    done = run("proxy", "--config", config)
    assert (done.returncode, "with certificates" in done.stderr) == (1, True)


def test_a_proxy_is_not_served_with_certificates(proxy):
    proxy.stop()
    data = Slapmaster(proxy.folder / "proxy.db.slapmaster")
    assert "slapmaster proxy" in data.run("serve", "--listen", "127.0.0.1:0", code=1)
    assert "belongs to a proxy" in data.run("init", code=1)
    proxy.start()
