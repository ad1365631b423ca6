"""What is written and read, against the peer's own library, for values nobody has thought of."""

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from slapcore.protocol.marshal import CLASS_NAMES
from slapcore.protocol.marshal import MODULE
from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import decode
from slapcore.protocol.marshal import encode

xml_marshaller = pytest.importorskip("xml_marshaller.xml_marshaller")


class PeerObject:
    """Has the shape of the documents in the peer's client library."""

    def __init__(self, *args):
        self._args = args

    def __getinitargs__(self):
        return self._args

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_args"}


PEER_CLASSES = {
    name: type(name, (PeerObject,), {"__module__": MODULE}) for name in sorted(CLASS_NAMES)
}


class PeerUnmarshaller(xml_marshaller.Unmarshaller):
    def find_class(self, module, name):
        assert module == MODULE
        return PEER_CLASSES[name]


def peer_dumps(value):
    return xml_marshaller.Marshaller().dumps(make_peer_value(value))


def peer_loads(content):
    return read_peer_value(PeerUnmarshaller().loads(content))


def make_peer_value(value):
    if isinstance(value, Document):
        made = PEER_CLASSES[value.class_name](*make_peer_value(value.args))
        vars(made).update(make_peer_value(value.attributes))
        return made
    if isinstance(value, list | tuple):
        return type(value)(make_peer_value(member) for member in value)
    if isinstance(value, dict):
        return {key: make_peer_value(member) for key, member in value.items()}
    return value


def read_peer_value(value):
    if isinstance(value, PeerObject):
        args, attributes = value.__getinitargs__(), value.__getstate__()
        return Document(type(value).__name__, read_peer_value(args), read_peer_value(attributes))
    if isinstance(value, list | tuple):
        return type(value)(map(read_peer_value, value))
    if isinstance(value, dict):
        return {key: read_peer_value(member) for key, member in value.items()}
    return value


texts = st.text(
    st.characters(
        exclude_categories=("Cs",),
        exclude_characters=[*map(chr, set(range(32)) - {9, 10, 13}), "\ufffe", "\uffff"],
    )
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
attribute_names = st.from_regex(r"_?[a-z][a-z_]{0,20}", fullmatch=True).filter(
    lambda name: name != "_args"
)


def containers(members):
    args = st.lists(members, max_size=3).map(tuple)
    attributes = st.dictionaries(attribute_names, members, max_size=4)
    return (
        st.lists(members, max_size=5)
        | args
        | st.dictionaries(texts, members, max_size=5)
        | st.builds(Document, st.sampled_from(sorted(CLASS_NAMES)), args, attributes)
    )


values = st.recursive(scalars, containers, max_leaves=30)


@given(values)
@settings(deadline=None)
def test_every_value_is_written_as_the_peer_writes_it(value):
    assert encode(value) == peer_dumps(value)


@given(values)
@settings(deadline=None)
def test_the_peer_reads_what_is_written(value):
    assert peer_loads(encode(value)) == value


@given(values)
@settings(deadline=None)
def test_what_the_peer_writes_is_read(value):
    assert decode(peer_dumps(value)) == value


@given(st.dictionaries(st.integers(-(2**60) + 1, 2**60 - 1) | st.booleans(), scalars))
@settings(deadline=None)
def test_numbers_as_keys_are_ordered_as_the_peer_orders_them(value):
    assert encode(value) == peer_dumps(value)
    assert decode(peer_dumps(value)) == value


@given(st.integers(0, 5), values)
@settings(deadline=None)
def test_what_the_peer_refers_to_is_read(count, value):
    repeated = make_peer_value([value])
    content = xml_marshaller.Marshaller().dumps([repeated] * count)
    assert decode(content) == [[value]] * count
