"""XML-RPC by Python's own client: through the door, and over TLS with a certificate."""

import io
import ssl
import xmlrpc.client
from datetime import UTC
from datetime import datetime

import pytest

from slapcore.protocol import marshal
from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapmaster.api.xmlrpc import caller
from slapmaster.api.xmlrpc.caller import MAX_CALLS
from slapmaster.api.xmlrpc.table import OPERATIONS
from slapmaster.domain.certification import issue_certificate
from tests.calls import CALLS
from tests.calls import add_askers
from tests.driver import RELEASE
from tests.driver import describe_node

WISH = {
    "software_release": RELEASE,
    "software_type": "default",
    "partition_reference": "shop",
    "partition_parameter_xml": {"color": "red", "deep": {"a": [1, 2]}},
    "filter_xml": {"computer_guid": "COMP-1"},
    "state": "started",
    "shared_xml": False,
}
TYPES = {
    "boolean": bool, "string": str, "struct": dict, "array": list,
}  # fmt: skip


class DoorTransport(xmlrpc.client.Transport):
    """Takes calls to the application in this process."""

    def __init__(self, asker, headers=None):
        super().__init__()
        self.asker = asker
        self.headers = headers or {}
        self.verbose = False

    def request(self, host, handler, request_body, verbose=False):
        headers = {"Content-Type": "text/xml", **self.headers}
        answer = self.asker.call("POST", handler, request_body, headers=headers)
        return self.parse_response(io.BytesIO(answer.body))


def speak(asker, **headers):
    """Give Python's own client, standing at the door as ``asker``."""
    transport = DoorTransport(asker, headers)
    return xmlrpc.client.ServerProxy("http://master/RPC2", transport, allow_none=True)


def code_of(call, *arguments):
    with pytest.raises(xmlrpc.client.Fault) as caught:
        call(*arguments)
    return caught.value.faultCode


@pytest.fixture
def master(make_master):
    return make_master(in_memory=True)


@pytest.fixture
def askers(master):
    return add_askers(master)


def write_struct(operation, fields):
    """Give the fields of a classic call their native values."""
    return {
        name: marshal.decode(text) if name in operation.marshalled else text
        for name, text in fields.items()
    }


#: What is not asked for here: an answer that takes its time.
WAITING = "waitForComputerInformation"
OFFERED = [call for call in CALLS if call[2] != WAITING]


def test_what_takes_its_time_is_not_offered(master):
    assert WAITING not in master.wsgi.registry.operations


@pytest.mark.parametrize("call", OFFERED, ids=lambda call: f"{call[0]}-{call[2]}")
def test_every_operation_answers_a_value_of_the_type_that_its_signature_says(
    master, askers, call
):
    who, _, name, fields, _ = call
    client = speak(askers[who])
    result = getattr(client, name)(
        write_struct(master.wsgi.registry.operations[name], fields)
    )
    if name == "destroyedComputerPartition":
        assert "nobody asked" in result
    else:
        signature = client.system.methodSignature(name)
        assert type(result) is TYPES[signature[0][0]]


def test_every_operation_is_in_the_table_and_nothing_else(master):
    assert set(OPERATIONS) == set(master.wsgi.registry.operations)


@pytest.fixture
def person(master):
    return master.add_person("owner")


@pytest.fixture
def node(master, person):
    node = master.add_node(master.add_project("mine", person), "n", partitions=2)
    person.supply(node)
    return node


def test_what_is_asked_with_native_values_is_what_classic_asks(master, person, node):
    demands = {"computer_guid": node.reference}
    person.request("shop", parameters=WISH["partition_parameter_xml"], demands=demands)
    with master.writing_nothing():
        answer = speak(person).requestComputerPartition(WISH)
    assert answer["_parameter_dict"] == {"color": "red", "deep": '{"a": [1, 2]}'}
    assert answer["_filter_dict"] == demands


def test_a_timestamp_of_more_than_32_bits_arrives_whole(person, node):
    answer = speak(person).requestComputerPartition(WISH)
    assert answer["timestamp"] == node.told("shop")["_parameter_dict"]["timestamp"]
    assert answer["timestamp"] > 2**32


def test_what_is_none_is_not_there(node):
    computer = speak(node).getFullComputerInformation({"computer_id": node.reference})
    partition = computer["_computer_partition_list"][0]
    assert partition["_requested_state"] == "destroyed"
    assert "_software_release_document" not in partition


def test_who_has_to_wait_gets_fault_408_and_the_request_is_kept(person, node):
    client = speak(person)
    for title in ("one", "two"):
        client.requestComputerPartition({**WISH, "partition_reference": title})
    assert code_of(client.requestComputerPartition, WISH) == 408
    node.format(3)
    assert client.requestComputerPartition(WISH)["_instance_guid"]


def test_an_instance_is_known_by_its_certificate_and_asks_for_children(master, person, node):
    speak(person).requestComputerPartition(WISH)
    instance = master.instance(node, "shop")
    child = {**WISH, **instance.place, "partition_reference": "child", "filter_xml": {}}
    assert speak(instance).requestComputerPartition(child)["instance_title"] == "child"
    assert node.told("child")["_parameter_dict"]["root_instance_title"] == "shop"


def test_a_claim_narrows_here_as_elsewhere(master, person, node):
    speak(person).requestComputerPartition(WISH)
    instance = master.instance(node, "shop")
    other = f"X-SlapPartition computer_id={node.reference}, computer_partition_id=slappart9"
    client = speak(instance, Authorization=other)
    assert code_of(client.softwareInstanceBang, {**instance.place, "message": "x"}) == 404


def test_what_can_t_be_understood_is_a_fault_and_stores_nothing(master, person, node):
    client = speak(person)
    supply = {"url": "http://x", "computer_id": node.reference}
    with master.writing_nothing():
        assert code_of(client.noSuchThing, {}) == 404
        assert code_of(client.supplySupply, {**supply, "unknown": "x"}) == 400
        assert code_of(client.supplySupply, {"url": "http://x"}) == 400
        assert code_of(client.supplySupply, {**supply, "url": 7}) == 400
        assert code_of(client.supplySupply, supply, supply) == 400
        assert code_of(client.supplySupply, "http://x") == 400
        assert code_of(client.requestComputerPartition, {**WISH, "state": "flying"}) == 400
        assert code_of(client.requestComputerPartition, {**WISH, "filter_xml": {"x": "y"}}) == 400


def test_another_tenant_s_node_is_not_there(master, node):
    stranger = master.add_person("stranger")
    faults = []
    for reference in ("COMP-77", node.reference):
        with pytest.raises(xmlrpc.client.Fault) as caught:
            speak(stranger).getFullComputerInformation({"computer_id": reference})
        faults.append(caught.value)
    assert faults[0].faultCode == faults[1].faultCode == 404
    assert faults[0].faultString.replace("COMP-77", node.reference) == faults[1].faultString


def test_nobody_is_told_to_prove_who_asks(master, node):
    client = speak(master.nobody())
    with master.writing_nothing():
        assert code_of(client.getFullComputerInformation, {"computer_id": node.reference}) == 401
    assert client.getHateoasUrl() == "http://localhost/hateoas"


def test_every_method_tells_of_itself(master):
    client = speak(master.nobody())
    names = client.system.listMethods()
    assert {"requestComputerPartition", "system.multicall"} <= set(names)
    for name in names:
        assert client.system.methodHelp(name)
        for signature in client.system.methodSignature(name):
            assert signature
    assert "state: a native value, optional" in client.system.methodHelp(
        "requestComputerPartition"
    )
    assert client.system.methodSignature("getHateoasUrl") == [["string"]]
    assert client.system.methodSignature("supplySupply") == [["string", "struct"]]
    assert code_of(client.system.methodHelp, "noSuchThing") == 404


def test_of_many_calls_each_stands_for_itself(person, node):
    many = xmlrpc.client.MultiCall(speak(person))
    many.supplySupply({"url": "http://x/1", "computer_id": node.reference})
    many.supplySupply({"url": "http://x/2", "computer_id": "COMP-99"})
    many.supplySupply({"url": "http://x/3", "computer_id": node.reference})
    results = many()
    assert results[0].startswith("Supplied")
    with pytest.raises(xmlrpc.client.Fault) as caught:
        results[1]
    assert caught.value.faultCode == 404
    assert results[2].startswith("Supplied")
    urls = [one.attributes["_software_release"] for one in
            node.see().attributes["_software_release_list"]]  # fmt: skip
    assert {"http://x/1", "http://x/3"} <= set(urls)


@pytest.mark.parametrize("count", [MAX_CALLS + 1, 100_000])
def test_too_many_calls_at_once_are_refused_and_none_is_done(master, person, node, count):
    supply = {"url": "http://x", "computer_id": node.reference}
    call = {"methodName": "supplySupply", "params": [supply]}
    with master.writing_nothing():
        assert code_of(speak(person).system.multicall, [call] * count) == 400


def test_many_calls_end_when_their_answers_are_too_large(master, person, node, monkeypatch):
    monkeypatch.setattr(caller, "MAX_TOLD", 1)
    supply = {"computer_id": node.reference}
    many = xmlrpc.client.MultiCall(speak(person))
    many.supplySupply({**supply, "url": "http://x/1"})
    many.supplySupply({**supply, "url": "http://x/2"})
    results = many()
    assert results[0].startswith("Supplied")
    assert code_of(results.__getitem__, 1) == 413
    urls = [one.attributes["_software_release"] for one in
            node.see().attributes["_software_release_list"]]  # fmt: skip
    assert "http://x/1" in urls
    assert "http://x/2" not in urls


def test_one_of_many_calls_can_t_be_many_and_must_be_a_call(person):
    junk = [
        {"methodName": "system.multicall", "params": [[]]},
        {"methodName": 7},
        {"methodName": "getHateoasUrl", "params": {}},
        "getHateoasUrl",
        {"methodName": "getHateoasUrl", "id": "7"},
    ]
    answers = speak(person).system.multicall([*junk, {"methodName": "getHateoasUrl"}])
    assert [answer["faultCode"] for answer in answers[:-1]] == [400] * len(junk)
    assert answers[-1] == ["http://localhost/hateoas"]


def test_only_xml_that_is_posted_is_read(master):
    nobody = master.nobody()
    assert nobody.get("RPC2", status=405).headers["Allow"] == "POST"
    answer = nobody.post("RPC2", {"a": "b"})
    assert b"text/xml is expected" in answer.body


def test_on_one_s_own_machine_nobody_has_to_prove_anything_but_a_browser(make_master):
    master = make_master(alone=True, in_memory=True)
    master.add_project("own", master.add_person("me"))
    client = speak(master.nobody())
    text = client.loadComputerConfigurationFromXML({"xml": describe_node("own", 1)})
    assert text == "Content properly posted."
    assert client.supplySupply({"url": RELEASE, "computer_id": "own"})
    wish = {**WISH, "filter_xml": {}}
    assert client.requestComputerPartition(wish)["slap_computer_id"] == "own"
    page = speak(master.nobody(), Origin="http://evil.example")
    assert code_of(page.requestComputerPartition, wish) == 403


def issue_to(master, person, folder):
    """Write a certificate of ``person`` and its key, and the authority's, into files."""
    new = master.change(
        lambda act: issue_certificate(act, act.site.persons[person.reference], only_one=False)
    )
    authority = master.issuer.authority
    server = authority.issue_server(["localhost"], days=1, now=datetime.now(UTC))
    for name, text in (
        ("client.pem", new.certificate + new.key),
        ("server.crt", server.certificate),
        ("server.key", server.key),
        ("authority.pem", authority.certificate_pem.decode()),
    ):
        (folder / name).write_text(text)


def test_python_s_client_speaks_to_a_real_server_with_a_certificate(
    master, person, node, tmp_path
):
    issue_to(master, person, tmp_path)
    listener = Listener.tls(
        "127.0.0.1", 0, certificate=tmp_path / "server.crt", key=tmp_path / "server.key"
    )
    server = Server(master.wsgi, listeners=[listener], threads=2)
    server.start()
    try:
        context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
        url = f"https://localhost:{server.addresses[0].port}/RPC2"
        with xmlrpc.client.ServerProxy(url, context=context) as stranger:
            assert code_of(stranger.requestComputerPartition, WISH) == 401
        context.load_cert_chain(tmp_path / "client.pem")
        with xmlrpc.client.ServerProxy(url, context=context) as client:
            assert client.requestComputerPartition(WISH)["instance_title"] == "shop"
            status = client.getComputerStatus({"computer_id": node.reference})
            assert status["reference"] == node.reference
    finally:
        server.stop()
