"""XML-RPC, held against Python's own: what one writes the other reads."""

import xmlrpc.client
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slapcore.errors import ProtocolError
from slapcore.protocol import xmlrpc as wire
from slapcore.protocol.xml import ILLEGAL_CHARACTER

TEXTS = st.text().filter(lambda text: not ILLEGAL_CHARACTER.search(text))
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


def read(text):
    return wire.read_call(text.encode())


def a_call(value):
    params = f"<params><param>{value}</param></params>"
    return f"<methodCall><methodName>m</methodName>{params}</methodCall>"


def normal(value):
    """Give ``value`` as XML leaves it: a parser makes one line's end of each."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, list):
        return [normal(part) for part in value]
    if isinstance(value, dict):
        return {normal(name): normal(part) for name, part in value.items()}
    return value


@given(st.lists(VALUES, max_size=3))
def test_what_python_s_client_writes_is_read(values):
    found = wire.read_call(xmlrpc.client.dumps(tuple(values), "some.method").encode())
    assert found.name == "some.method"
    expected = [normal(value) for value in values]
    assert found.arguments == expected or has_merged_names(values)


def has_merged_names(value):
    """Tell whether two names in a struct became one by what XML does to line ends."""
    if isinstance(value, dict):
        return len({normal(name) for name in value}) < len(value) or any(
            map(has_merged_names, value.values())
        )
    return isinstance(value, list) and any(map(has_merged_names, value))


@given(VALUES)
def test_what_is_written_python_s_client_reads(value):
    (found,), name = xmlrpc.client.loads(wire.write_answer(value))
    assert name is None
    assert found == value


@given(st.binary())
def test_junk_is_a_protocol_error_and_nothing_else(data):
    with suppress(ProtocolError):
        wire.read_call(data)


@given(st.text(), st.integers(100, 599))
def test_a_fault_can_say_anything(text, code):
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(wire.write_fault(code, text))
    assert caught.value.faultCode == code
    shown = ILLEGAL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
    assert caught.value.faultString == shown


@pytest.mark.parametrize(
    ("number", "tag"),
    [
        (2**31 - 1, b"<int>"), (-(2**31), b"<int>"), (2**31, b"<i8>"), (-(2**31) - 1, b"<i8>"),
        (2**63 - 1, b"<i8>"), (2**63, b"<string>"),
    ],
)  # fmt: skip
def test_a_number_travels_as_the_smallest_type_that_holds_it(number, tag):
    body = wire.write_answer(number)
    assert tag in body
    assert int(xmlrpc.client.loads(body)[0][0]) == number


def test_what_is_none_is_left_out():
    body = wire.write_answer({"a": None, "b": [None, 1]})
    assert xmlrpc.client.loads(body)[0][0] == {"b": ["", 1]}


def test_what_is_no_number_is_text():
    assert xmlrpc.client.loads(wire.write_answer(float("inf")))[0][0] == "inf"


def test_a_tuple_is_an_array():
    assert xmlrpc.client.loads(wire.write_answer((1, 2)))[0][0] == [1, 2]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<value>bare</value>", "bare"),
        ("<value/>", ""),
        ("<value><string/></value>", ""),
        ("<value><i4> 7 </i4></value>", 7),
        ("<value><i8>-5000000000</i8></value>", -5_000_000_000),
        ("<value><boolean>1</boolean></value>", True),
        ("<value><double>-.5e3</double></value>", -500.0),
        ("<value><nil/></value>", None),
        ("<value><array><data/></array></value>", []),
        ("<value> <struct/> </value>", {}),
    ],
)
def test_each_type_is_read(value, expected):
    assert read(a_call(value)).arguments == [expected]


@pytest.mark.parametrize(
    "value",
    [
        "", "text", "<string>x</string>", "<value>a<string>b</string></value>",
        "<value><int>1</int><int>2</int></value>", "<value><int>x</int></value>",
        "<value><int>1_0</int></value>", "<value><i8>9223372036854775808</i8></value>",
        "<value><boolean>true</boolean></value>", "<value><double>nan</double></value>",
        "<value><double>1e999</double></value>",
        "<value><double>" + "1" * 200 + "</double></value>",
        "<value><nil>x</nil></value>", "<value><array/></value>",
        "<value><array><value/></array></value>", "<value><array><data>x</data></array></value>",
        "<value><struct><name>a</name></struct></value>",
        "<value><struct><member><name>a</name></member></struct></value>",
        "<value><struct><member><value/><name>a</name></member></struct></value>",
        "<value><struct><member><name>a</name><value/></member>"
        "<member><name>a</name><value/></member></struct></value>",
        "<value><string><int>1</int></string></value>", "<value><params/></value>",
        "<value><base64>eA==</base64></value>",
        "<value><dateTime.iso8601>20260101T00:00:00</dateTime.iso8601></value>",
        "<value>" + "<array><data><value>" * 40 + "</value></data></array>" * 40 + "</value>",
    ],
)  # fmt: skip
def test_a_value_that_is_none_is_refused(value):
    with pytest.raises(ProtocolError):
        read(a_call(value))


@pytest.mark.parametrize(
    "text",
    [
        "", "<value/>", "<methodCall/>", "<methodCall><params/></methodCall>",
        "<methodCall><methodName>a b</methodName></methodCall>",
        "<methodCall><methodName/></methodCall>",
        "<methodCall><methodName>a</methodName><params/><params/></methodCall>",
        "<methodCall><methodName>a</methodName><params>x</params></methodCall>",
        '<!DOCTYPE x [<!ENTITY a "b">]><methodCall><methodName>a</methodName></methodCall>',
        "<methodCall><methodName>&a;</methodName></methodCall>",
        "<methodCall><!-- x --><methodName>a</methodName></methodCall>",
        "<methodCall a='b'><methodName>a</methodName></methodCall>",
    ],
)  # fmt: skip
def test_a_call_that_is_none_is_refused(text):
    with pytest.raises(ProtocolError):
        read(text)


def test_a_call_without_values_is_one():
    assert read("<methodCall><methodName>a</methodName></methodCall>") == wire.Call("a", [])


def test_a_call_of_too_many_values_is_refused():
    with pytest.raises(ProtocolError, match="elements"):
        read(a_call("<value/>" * (wire.MAX_ELEMENTS + 1)))


VALUE = {"a": [1, 2**40, 1.5, True, "x"], "b": {"c": ""}}


def test_a_call_that_is_written_is_read_again():
    assert wire.read_call(wire.write_call("do.it", [VALUE, 7])) == wire.Call("do.it", [VALUE, 7])
    assert wire.read_call(wire.write_call("do.it", [])) == wire.Call("do.it", [])


def test_an_answer_and_a_fault_that_are_written_are_read_again():
    assert wire.read_answer(wire.write_answer(VALUE)) == VALUE
    assert wire.read_answer(wire.write_fault(408, "wait")) == wire.Fault(408, "wait")


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<params/>",
        "<params><param/></params>",
        "<fault><value>x</value></fault>",
        "<fault><value><struct/></value></fault>",
        "<fault/><params/>",
        "<value>1</value>",
        "<!DOCTYPE x>",
    ],
)
def test_what_is_no_answer_is_refused(inside):
    with pytest.raises(ProtocolError):
        wire.read_answer(f"<methodResponse>{inside}</methodResponse>".encode())
