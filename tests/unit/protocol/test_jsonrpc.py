"""Bodies of JSON-RPC, and that every method has its schemas."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from slapcore.errors import ProtocolError
from slapcore.protocol import jsonrpc
from slapcore.protocol.description import Address
from slapcore.protocol.description import PartitionDescription
from slapcore.protocol.description import read_json_description
from slapcore.protocol.xml import ILLEGAL_CHARACTER

TEXTS = st.text().filter(lambda text: not ILLEGAL_CHARACTER.search(text))
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), TEXTS,
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip
NAMES = sorted(
    path.name.removesuffix(".json")
    for path in jsonrpc.SCHEMAS.iterdir()
    if path.name.startswith("slapos.")
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_an_object_is_read_as_it_was_written(value):
    assert jsonrpc.read_body(json.dumps(value).encode()) == value
    assert jsonrpc.read_body(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary())
def test_junk_is_a_protocol_error_and_nothing_else(data):
    with suppress(ProtocolError):
        jsonrpc.read_body(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "not an object"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": Infinity}', "no number"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ["\\u0001"]}', "U\\+0001"),
        ('{"\\ud800": 1}', "U\\+D800"),
        ("{", "well-formed"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "levels deep"),
        ("[" * 200_000, "levels deep"),
        ('{"a": "' + "x" * jsonrpc.MAX_BYTES + '"}', "longer"),
    ],
)
def test_what_is_wrong_is_named(text, reason):
    with pytest.raises(ProtocolError, match=reason):
        jsonrpc.read_body(text.encode())


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_one_and_refuses_what_it_does_not_know(name):
    command = jsonrpc.read_command(name)
    assert command.summary.endswith(".")
    for schema in (command.input, command.output):
        Draft202012Validator.check_schema(schema)
    assert command.input["additionalProperties"] is False
    definitions = jsonrpc.read_definitions()
    assert set(find_references([command.input, command.output])) <= set(definitions)


def find_references(part):
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].removeprefix("#/components/schemas/")
        for value in part.values():
            yield from find_references(value)
    elif isinstance(part, list):
        for value in part:
            yield from find_references(value)


def test_a_node_describes_its_partitions():
    address = {
        "ip-address": "10.0.0.1", "netmask": "24", "gateway-ip-address": "10.0.0.254",
        "network-address": "10.0.0.0/24", "network-interface": "tap",
    }  # fmt: skip
    told = [
        {"partition_id": "a", "ip_list": [address, {"ip-address": "::1"}]},
        {"partition_id": "b", "capability_list": ["x"]},
    ]
    routed = Address("tap", "10.0.0.1", "24", "10.0.0.254", "10.0.0.0/24")
    found = read_json_description({"computer_guid": "COMP-1", "compute_partition_list": told})
    assert found.reference == "COMP-1"
    assert found.partitions == (
        PartitionDescription("a", (routed, Address("a", "::1", "")), ()),
        PartitionDescription("b", (), ("x",)),
    )


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([{"partition_id": "a"}] * 2, "twice"),
        ([{"partition_id": "../a"}], "not a name"),
        ([{"partition_id": "a", "ip_list": [{}]}], "missing"),
        ([{"partition_id": "a", "ip_list": [{"ip-address": "home"}]}], "not an IP address"),
    ],
)
def test_a_description_that_is_none_is_refused(told, reason):
    with pytest.raises(ProtocolError, match=reason):
        read_json_description({"computer_guid": "COMP-1", "compute_partition_list": told})
