"""Whatever is posted to JSON-RPC and XML-RPC: refused by name or done, never a 500.

What is refused stores nothing.
"""

import json
import xmlrpc.client

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from slapcore.protocol.jsonrpc import read_command
from slapmaster.api.jsonrpc import list_methods
from slapmaster.api.xmlrpc.table import OPERATIONS
from tests.calls import add_askers
from tests.driver import RELEASE
from tests.driver import Master
from tests.driver import make_issuer

METHODS = sorted(method.name for _, method in list_methods())
WHO = ("person", "node", "instance")
#: what may be the right word in the right place
WORDS = ("COMP-1", "COMP-2", "SOFTINST-1", "slappart0", "web", RELEASE, "started", "destroyed", "")
QUICK = settings(
    max_examples=15, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

TEXTS = st.sampled_from(WORDS) | st.text(max_size=20)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def world():
    master = Master(None, make_issuer())
    yield master, add_askers(master)
    assert master.close() == []


def objects_of(known):
    """Make objects with some of the properties that are ``known``, and perhaps others."""
    names = st.sampled_from(sorted(known)) if known else st.nothing()
    return st.dictionaries(names | TEXTS, ANYTHING, max_size=6)


def check_refusal(master, ask):
    """Ask; what is refused stores nothing."""
    before = master.last_transaction()
    refused = ask()
    assert not refused or master.last_transaction() == before


@pytest.mark.parametrize("name", METHODS)
def test_a_method_refuses_junk_and_stores_nothing_of_it(world, name):
    master, askers = world

    @QUICK
    @given(who=st.sampled_from(WHO), said=objects_of(read_command(name).input["properties"]))
    def post(who, said):
        def ask():
            answer = askers[who].call(
                "POST", name, json.dumps(said), status="*",
                headers={"Content-Type": "application/json"},
            )  # fmt: skip
            assert answer.status_int in {200, 400, 403, 409}
            if answer.status_int != 200:
                assert answer.json["status"] == answer.status_int
            return answer.status_int != 200

        check_refusal(master, ask)

    post()


@pytest.mark.parametrize("face", [f"/{METHODS[0]}", "/RPC2"])
def test_a_body_of_junk_is_refused_and_stores_nothing(world, face):
    master, askers = world
    media_type = "text/xml" if face == "/RPC2" else "application/json"

    @QUICK
    @given(body=st.binary(max_size=200))
    def post(body):
        with master.writing_nothing():
            answer = askers["person"].call(
                "POST", face, body, status="*", headers={"Content-Type": media_type}
            )
        if face == "/RPC2":
            with pytest.raises(xmlrpc.client.Fault) as caught:
                xmlrpc.client.loads(answer.body)
            assert caught.value.faultCode == 400
        else:
            assert answer.status_int == 400

    post()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_refuses_junk_by_a_fault_and_stores_nothing_of_it(world, name):
    master, askers = world
    operation = master.wsgi.registry.operations[name]

    @QUICK
    @given(
        who=st.sampled_from(WHO),
        struct=objects_of({*operation.required, *operation.optional}),
    )
    def post(who, struct):
        body = xmlrpc.client.dumps((as_told(struct),), name, allow_none=True)

        def ask():
            answer = askers[who].call("POST", "/RPC2", body, headers={"Content-Type": "text/xml"})
            try:
                xmlrpc.client.loads(answer.body)
            except xmlrpc.client.Fault as fault:
                assert fault.faultCode in {400, 403, 404, 408, 409}
                return fault.faultCode != 408
            return False

        check_refusal(master, ask)

    post()


def as_told(value):
    """Keep what Python's client can write: whole numbers of 32 bits, and no lone surrogates."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {as_told(name): as_told(part) for name, part in value.items()}
    if isinstance(value, list):
        return [as_told(part) for part in value]
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        return str(value)
    return value
