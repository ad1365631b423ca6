"""Whatever comes in is either a value or a ProtocolError, and what goes out comes back."""

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from slapcore.errors import ProtocolError
from slapcore.protocol.consumption import UsageReport
from slapcore.protocol.consumption import read_usage
from slapcore.protocol.description import NodeDescription
from slapcore.protocol.description import decode_description
from slapcore.protocol.description import read_description
from slapcore.protocol.marshal import CLASS_NAMES
from slapcore.protocol.marshal import MODULE
from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import decode
from slapcore.protocol.marshal import encode
from slapcore.protocol.marshal import encode_fragment
from slapcore.protocol.parameters import read_parameters
from slapcore.protocol.parameters import write_parameters

XML_CHARACTERS = st.characters(
    exclude_categories=("Cs",),
    exclude_characters=[*map(chr, set(range(32)) - {9, 10, 13}), "\ufffe", "\uffff"],
)
texts = st.text(XML_CHARACTERS)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**599), 10**599)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)


def containers(members):
    return (
        st.lists(members, max_size=5)
        | st.lists(members, max_size=5).map(tuple)
        | st.dictionaries(texts, members, max_size=5)
        | st.builds(
            Document,
            st.sampled_from(sorted(CLASS_NAMES)),
            st.lists(members, max_size=2).map(tuple),
            st.dictionaries(texts, members, max_size=3),
        )
    )


values = st.recursive(scalars, containers, max_leaves=40)


def refused(read, data):
    """Tell whether ``data`` is refused, and let no other error through."""
    try:
        read(data)
    except ProtocolError as error:
        text = str(error)
        assert text
        assert len(text) < 400
        return True
    return False


@given(values)
@settings(deadline=None)
def test_what_is_written_is_read_back(value):
    assert decode(encode(value)) == value
    assert decode(encode(value).decode()) == value


@given(values)
@settings(deadline=None)
def test_what_is_read_back_is_written_the_same(value):
    assert encode(decode(encode(value))) == encode(value)


@given(values, st.data())
@settings(deadline=None)
def test_fragments_anywhere_change_nothing(value, data):
    assert encode(put_fragments(value, data)) == encode(value)


def put_fragments(value, data):
    if isinstance(value, list | tuple):
        value = type(value)(put_fragments(member, data) for member in value)
    elif isinstance(value, dict):
        value = {key: put_fragments(member, data) for key, member in value.items()}
    elif isinstance(value, Document):
        args = put_fragments(value.args, data) if value.args else ()
        args = args if isinstance(args, tuple) else value.args
        attributes = {
            name: put_fragments(member, data) for name, member in value.attributes.items()
        }
        value = Document(value.class_name, args, attributes)
    return encode_fragment(value) if data.draw(st.booleans()) else value


python_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers()
    | st.builds(object),
    lambda members: (
        st.lists(members)
        | st.lists(members).map(tuple)
        | st.dictionaries(st.integers() | st.text() | st.floats() | st.tuples(st.text()), members)
        | st.builds(Document, st.text() | st.just("Computer"), st.lists(members).map(tuple))
    ),
    max_leaves=20,
)


@given(python_values)
@settings(deadline=None)
def test_a_value_is_written_or_refused(value):
    refused(encode, value)


@given(st.binary() | st.text(st.characters()))
@example(b"")
@example(b"\xef\xbb\xbf<marshal><none/></marshal>")
@example(b"\xff\xfe<\x00m\x00a\x00r\x00s\x00h\x00a\x00l\x00/\x00>\x00")
@example("\ud800")
@pytest.mark.parametrize("read", [decode, read_parameters, read_usage, decode_description])
@settings(deadline=None)
def test_junk_is_refused(read, data):
    refused(read, data)


fragments_of_xml = st.sampled_from(
    [b"<", b">", b"/", b"&", b"&amp;", b"&#0;", b"&#55296;", b"&lol;", b'"', b"'", b"=", b"]]>"]
    + [b"<!--", b"-->", b"<![CDATA[", b"<!DOCTYPE x [", b"<?x ?>", b"<none/>", b"</list>", b"\x00"]
    + [b"<string>", b"</string>", b'<list id="i2">', b'<reference id="i2"/>', b"\xc3", b"9" * 700]
    + [b"<dictionary>", b"</dictionary>", b'xmlns="x"', b"<a:b/>", b"1e999", b"nan"]
)


@given(values, st.data())
@settings(deadline=None, max_examples=300)
def test_a_damaged_document_is_read_or_refused(value, data):
    refused(decode, damage(encode(value), data))


def damage(content, data):
    """Cut pieces out, put strange pieces in, copy pieces to other places."""
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = min(len(content), start + data.draw(st.integers(0, 30)))
        piece = data.draw(
            fragments_of_xml | st.binary(max_size=4) | st.just(b"") | st.just(content[start:stop])
        )
        place = data.draw(st.integers(0, len(content)))
        content = content[:start] + content[stop:]
        content = content[:place] + piece + content[place:]
    return content


names = st.sampled_from(
    ["marshal", "none", "bool", "int", "long", "float", "string", "unicode", "tuple", "list"]
    + ["dictionary", "object", "reference", "set", "complex", "code", "x"]
)
contents = st.sampled_from(
    ["", " ", "0", "1", "2", "-1", "+1", "1.5", "1e400", "nan", "inf", "1_0", "٣", "0x1", "None"]
    + ["&amp;lt;", "&lt;", "&amp;", "&#13;", "&quot;", "true", "9" * 601, "1e" + "9" * 20, "."]
)
attributes = st.dictionaries(
    st.sampled_from(["id", "module", "class", "name"]),
    st.sampled_from(["i1", "i2", "i3", "i4", MODULE, "os", *sorted(CLASS_NAMES), "", "system"]),
    max_size=3,
)


@st.composite
def elements(draw, depth=4):
    name = draw(names)
    members = draw(st.lists(elements(depth - 1), max_size=4)) if depth else []
    written = "".join(f' {key}="{value}"' for key, value in draw(attributes).items())
    return f"<{name}{written}>{draw(contents)}{''.join(members)}{draw(contents)}</{name}>"


@given(elements())
@settings(deadline=None, max_examples=300)
def test_a_document_that_is_almost_right_is_read_or_refused(element):
    data = f"<marshal>{element}</marshal>"
    if not refused(decode, data):
        assert decode(encode(decode(data))) == decode(data)


@given(st.dictionaries(texts, texts))
@settings(deadline=None)
def test_parameters_come_back(parameters):
    assert read_parameters(write_parameters(parameters)) == parameters
    assert read_parameters(write_parameters(parameters).encode()) == parameters


@given(st.dictionaries(st.text(st.characters()), python_values))
@settings(deadline=None)
def test_parameters_are_written_or_refused(parameters):
    refused(write_parameters, parameters)


@given(st.dictionaries(texts, texts, max_size=3), st.data())
@settings(deadline=None)
def test_damaged_parameters_are_read_or_refused(parameters, data):
    refused(read_parameters, damage(write_parameters(parameters).encode(), data))


field_names = st.sampled_from(
    ["reference", "address", "netmask", "os_type", "public_ipv4_address", "slapos_version"]
    + ["partition_list", "address_list", "tap", "name", "addr", "capability_list", "ipv4_addr"]
    + ["ipv4_netmask", "ipv4_gateway", "ipv4_network", "ipv6_addr", "ipv6_network"]
)
field_texts = st.sampled_from(
    ["", "COMP-1", "slappart0", "slaptap0", "10.0.0.1", "255.255.255.0", "10.0.0.0/8", "::1", "64"]
    + ["a/b", "..", ".", "x\n", "\u2028", "1" * 2000, "fe80::1%eth0", "ffff::/16", "999.1.1.1"]
)
descriptions = st.recursive(
    scalars | field_texts,
    lambda members: st.lists(members) | st.dictionaries(field_names | texts, members),
)


@given(descriptions | st.dictionaries(field_names, descriptions))
@settings(deadline=None)
def test_a_description_is_read_or_refused(value):
    refused(read_description, value)


ip_addresses = st.ip_addresses().map(str)
plain_names = st.from_regex(r"[a-z0-9_.-]{1,90}[a-z]", fullmatch=True)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "reference": plain_names,
                "address_list": st.lists(
                    st.fixed_dictionaries({"addr": ip_addresses, "netmask": ip_addresses})
                ),
                "tap": st.fixed_dictionaries({"name": plain_names, "ipv4_addr": ip_addresses}),
            }
        ),
        unique_by=lambda partition: partition["reference"],
    )
)
@settings(deadline=None)
def test_every_good_description_is_read(partitions):
    sent = encode({"reference": "COMP-1", "partition_list": partitions})
    node = decode_description(sent)
    assert isinstance(node, NodeDescription)
    assert [partition.name for partition in node.partitions] == [
        partition["reference"] for partition in partitions
    ]
    for partition, wanted in zip(node.partitions, partitions, strict=True):
        *own, route = partition.addresses
        assert [address.address for address in own] == [
            address["addr"] for address in wanted["address_list"]
        ]
        assert route.interface == f"route_{wanted['tap']['name']}"


REPORT = (
    b'<journal><transaction type="Sale Packing List"><title>t</title><start_date/>'
    b"<stop_date>2026-11-23 at 05:00:00</stop_date><reference>COMP-1</reference><currency/>"
    b'<payment_mode/><category/><arrow type="x"><source/><destination/></arrow><movement>'
    b"<resource>r</resource><reference>slappart0</reference><quantity>1.5</quantity>"
    b"<price>0.0</price><VAT/></movement></transaction></journal>"
)


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_a_damaged_report_is_read_or_refused(data):
    damaged = damage(REPORT, data)
    if not refused(read_usage, damaged):
        assert isinstance(read_usage(damaged), UsageReport)
