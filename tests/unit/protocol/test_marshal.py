"""What the codec refuses, and in which words."""

import pickle
from enum import StrEnum

import pytest

from slapcore.errors import ProtocolError
from slapcore.protocol import marshal
from slapcore.protocol.marshal import Document
from slapcore.protocol.marshal import Fragment
from slapcore.protocol.marshal import decode
from slapcore.protocol.marshal import encode
from slapcore.protocol.marshal import encode_fragment

OBJECT = '<object id="i2" module="slapos.slap.slap" class="Computer">'


class Word(StrEnum):
    STARTED = "started"


class Numbers(list):
    pass


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (b"started", "a value of type bytes can't travel"),
        ({1, 2}, "a value of type set can't travel"),
        (float("nan"), "the number nan is not finite"),
        (float("-inf"), "the number -inf is not finite"),
        (10**600, "a whole number has more than 600 digits"),
        ("one\x00two", r"XML can't carry the character U\+0000"),
        ("\x1b[31m", r"XML can't carry the character U\+001B"),
        ("\ud800", r"XML can't carry the character U\+D800"),
        ("\uffff", r"XML can't carry the character U\+FFFF"),
        ({("a",): 1}, "a dictionary has a tuple for a key"),
        ({2**60: 1}, "a dictionary has too large a number for a key"),
        (Document("os"), "documents of class 'os' don't travel"),
        (Document("Computer", (), {1: 2}), "a document has a name that is not text"),
    ],
)
def test_what_can_t_travel_is_named(value, fault):
    with pytest.raises(ProtocolError, match=fault):
        encode(value)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "the XML is not well-formed: "),
        ("x", "the XML is not well-formed: "),
        ("<marshal>", "the XML is not well-formed: "),
        ("<marshal/>", "<marshal> holds 0 values instead of one"),
        ("<marshal><none/><none/></marshal>", "<marshal> holds 2 values instead of one"),
        ("<marshal>x<none/></marshal>", "<marshal> holds 'x' between its elements"),
        ("<marshal><none/>x</marshal>", "<marshal> holds 'x' between its elements"),
        ('<marshal id="i1"><none/></marshal>', "<marshal> has an unknown attribute 'id'"),
        ("<none/>", "the document is a <none>, not a <marshal>"),
        ("<marshal><marshal/></marshal>", "<marshal> is not allowed inside a document"),
        ("<marshal><set/></marshal>", "markup that is not allowed here: '<set/>"),
        ("<marshal><code/></marshal>", "markup that is not allowed here: '<code/>"),
        ("<marshal><complex/></marshal>", "markup that is not allowed here: '<complex/>"),
        ("<!DOCTYPE x><marshal/>", "markup that is not allowed here: '<!DOCTYPE x>"),
        ("<marshal><!-- x --></marshal>", "markup that is not allowed here: '<!-- x"),
        ("<marshal><?x?></marshal>", "markup that is not allowed here"),
        ("<marshal><![CDATA[x]]></marshal>", "markup that is not allowed here"),
        ("<marshal><x:none/></marshal>", "markup that is not allowed here"),
        ("<marshal xmlns='x'><none/></marshal>", "markup that is not allowed here"),
        ("<marshal>&lol;</marshal>", "not well-formed: Entity 'lol' not defined"),
        ("<marshal><none>x</none></marshal>", "<none> holds 'x'"),
        ("<marshal><bool>2</bool></marshal>", "<bool> holds '2' instead of 0 or 1"),
        ("<marshal><bool/></marshal>", "<bool> holds '' instead of 0 or 1"),
        ("<marshal><int>1.5</int></marshal>", "<int> holds '1.5', not a whole number"),
        ("<marshal><int> 1 </int></marshal>", "<int> holds ' 1 ', not a whole number"),
        ("<marshal><int>1_0</int></marshal>", "<int> holds '1_0', not a whole number"),
        ("<marshal><int>\u0663</int></marshal>", "<int> holds '\u0663', not a whole number"),
        ("<marshal><int/></marshal>", "<int> holds '', not a whole number"),
        (f"<marshal><long>{'9' * 601}</long></marshal>", "number of at most 600 digits"),
        ("<marshal><float>nan</float></marshal>", "<float> holds 'nan', not a finite number"),
        ("<marshal><float>inf</float></marshal>", "<float> holds 'inf', not a finite number"),
        ("<marshal><float>1e999</float></marshal>", "<float> holds '1e999', which is too large"),
        ("<marshal><string><none/></string></marshal>", "<string> holds an element"),
        ('<marshal><string id="i2"/></marshal>', "<string> has an unknown attribute 'id'"),
        ("<marshal><list>x</list></marshal>", "<list> holds 'x' between its elements"),
        ("<marshal><list><none/>x</list></marshal>", "<list> holds 'x' between its elements"),
        ('<marshal><tuple id="i2"/></marshal>', "<tuple> has an unknown attribute 'id'"),
        ('<marshal><list class="i2"/></marshal>', "<list> has an unknown attribute 'class'"),
        ("<marshal><dictionary><none/></dictionary></marshal>", "holds a key without a value"),
        (
            "<marshal><dictionary><list/><none/></dictionary></marshal>",
            "a dictionary has a list for a key",
        ),
        (
            f"<marshal><dictionary><int>{2**60}</int><none/></dictionary></marshal>",
            "a dictionary has too large a number for a key",
        ),
        (
            "<marshal><dictionary><int>1</int><none/><bool>1</bool><none/></dictionary></marshal>",
            "<dictionary> holds the key 'True' twice",
        ),
        ("<marshal><object/></marshal>", r"objects of class \. don't travel"),
        (
            '<marshal><object module="os" class="system"/></marshal>',
            r"objects of class os\.system don't travel",
        ),
        (
            '<marshal><object module="os" class="Computer"/></marshal>',
            r"objects of class os\.Computer don't travel",
        ),
        (f"<marshal>{OBJECT}</object></marshal>", "must hold its arguments and its attributes"),
        (
            f"<marshal>{OBJECT}<tuple/><none/></object></marshal>",
            "<object> must hold a <tuple> and a <dictionary>",
        ),
        (
            f"<marshal>{OBJECT}<list/><dictionary/></object></marshal>",
            "<object> must hold a <tuple> and a <dictionary>",
        ),
        (
            f"<marshal>{OBJECT}<tuple/><dictionary><int>1</int><none/></dictionary></object></marshal>",
            "a document has a name that is not text",
        ),
        ("<marshal><reference/></marshal>", "<reference> points to '', which is not there"),
        (
            '<marshal><list id="i2"><reference id="i2"/></list></marshal>',
            "<reference> points to 'i2', which contains it",
        ),
        (
            '<marshal><list><list id="i2"/><reference id="i2"><none/></reference></list></marshal>',
            "<reference> holds an element",
        ),
        (
            '<marshal><tuple><list id="i2"/><reference id="i2">x</reference></tuple></marshal>',
            "<reference> holds 'x' between its elements",
        ),
        (
            '<marshal><tuple><list id="i2"/><list id="i2"/></tuple></marshal>',
            "the id 'i2' is used twice",
        ),
        ("<marshal>" + "<tuple>" * 100 + "</tuple>" * 100 + "</marshal>", "nested deeper than 64"),
        ("<marshal>" + "<tuple>" * 300 + "</tuple>" * 300 + "</marshal>", "not well-formed: "),
    ],
)
def test_the_fault_of_a_document_is_named(content, fault):
    with pytest.raises(ProtocolError, match=fault):
        decode(content)


def test_what_is_not_utf_8_is_refused():
    with pytest.raises(ProtocolError, match="the XML is not UTF-8"):
        decode(b"<marshal><string>\xe9</string></marshal>")
    with pytest.raises(ProtocolError, match="the XML is not UTF-8"):
        decode("<marshal><string>\udce9</string></marshal>")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "no such thing"])
def test_the_declared_encoding_does_not_matter(encoding):
    content = f'<?xml version="1.0" encoding="{encoding}"?><marshal><string>é</string></marshal>'
    if encoding == "no such thing":
        with pytest.raises(ProtocolError, match="not well-formed"):
            decode(content)
    else:
        assert decode(content) == decode(content.encode()) == "é"


def test_a_byte_order_mark_is_skipped():
    assert decode(b"\xef\xbb\xbf<marshal><int>1</int></marshal>") == 1
    assert decode(b"\xef\xbb\xbf<?xml version='1.0'?><marshal><int>1</int></marshal>") == 1


def test_indented_documents_are_read():
    content = """
      <marshal>
        <dictionary id = "i2" >
          <string>a</string> <list id='i3'> <none> </none> </list >
        </dictionary>
      </marshal>
    """
    assert decode(content) == {"a": [None]}


def test_older_names_of_types_are_read():
    content = "<marshal><tuple><unicode>a</unicode><long>7</long><int>+7</int></tuple></marshal>"
    assert decode(content) == ("a", 7, 7)


def test_text_that_was_escaped_only_once_is_read():
    assert decode("<marshal><string>a &lt; b &amp; c</string></marshal>") == "a < b & c"


def test_words_of_an_enumeration_travel_as_text():
    assert encode({Word.STARTED: Word.STARTED}) == encode({"started": "started"})
    assert encode(Numbers([1])) == encode([1])


def test_too_many_bytes_are_refused():
    content = encode("é" * 10)
    assert decode(content, max_bytes=len(content)) == "é" * 10
    with pytest.raises(ProtocolError, match=f"longer than {len(content) - 1} bytes"):
        decode(content, max_bytes=len(content) - 1)
    text = "<marshal><string>é</string></marshal>"
    with pytest.raises(ProtocolError, match="longer than"):
        decode(text, max_bytes=len(text))


def test_too_deep_a_document_is_refused():
    content = encode([[[]]])
    assert decode(content, max_depth=3) == [[[]]]
    with pytest.raises(ProtocolError, match="nested deeper than 2"):
        decode(content, max_depth=2)


def test_a_value_that_contains_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(ProtocolError, match="nested deeper than 64"):
        encode(value)


def test_what_can_be_written_can_be_read():
    value = None
    for _ in range(marshal.MAX_DEPTH - 1):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(ProtocolError, match="nested deeper than 64"):
        encode([value])


def test_a_fragment_counts_with_its_depth():
    fragment = encode_fragment([[]])
    for _ in range(marshal.MAX_DEPTH - 2):
        fragment = encode_fragment([fragment])
    assert decode(encode(fragment))
    with pytest.raises(ProtocolError, match="nested deeper than 64"):
        encode([fragment])


def test_too_many_elements_are_refused():
    limit = marshal.MAX_ELEMENTS
    content = f"<marshal><list>{'<none/>' * (limit - 1)}</list></marshal>"
    assert len(decode(content)) == limit - 1
    with pytest.raises(ProtocolError, match=f"more than {limit + 1} elements"):
        decode(f"<marshal><list>{'<none/>' * limit}</list></marshal>")


def test_references_can_t_multiply_without_end():
    lists = ['<list id="a0">' + "<none/>" * 10 + "</list>"]
    for step in range(1, 20):
        lists.append(f'<list id="a{step}">' + f'<reference id="a{step - 1}"/>' * 10 + "</list>")
    with pytest.raises(ProtocolError, match="more than 500000 elements"):
        decode(f"<marshal><tuple>{''.join(lists)}</tuple></marshal>")


def test_references_can_t_multiply_a_long_text():
    long = f'<list id="a"><string>{"x" * 1_000_000}</string></list>'
    again = '<reference id="a"/>'
    few = f"<marshal><tuple>{long}{again * 9}</tuple></marshal>"
    many = f"<marshal><tuple>{long}{again * 10}</tuple></marshal>"
    assert len(decode(few)) == 10
    with pytest.raises(ProtocolError, match="amounts to more than 10000000 characters"):
        decode(many)


def test_references_can_t_nest_without_end():
    lists = ['<list id="a0"/>']
    for step in range(1, 100):
        lists.append(f'<list id="a{step}"><reference id="a{step - 1}"/></list>')
    with pytest.raises(ProtocolError, match="nested deeper than 64"):
        decode(f"<marshal><tuple>{''.join(lists)}</tuple></marshal>")


def test_a_reference_is_read_as_what_it_points_to():
    content = (
        f"<marshal><tuple>{OBJECT}<tuple/>"
        '<dictionary id="i3"><string>a</string><list id="i4"/></dictionary></object>'
        '<reference id="i4"/><reference id="i2"/></tuple></marshal>'
    )
    document = Document("Computer", (), {"a": []})
    assert decode(content) == (document, [], document)


def test_a_long_text_is_shown_short():
    with pytest.raises(ProtocolError) as caught:
        decode(f"<marshal><int>{'x' * 100_000}</int></marshal>")
    assert len(str(caught.value)) < 200


def test_a_fragment_is_a_value_that_can_be_kept():
    fragment = encode_fragment({"100%": ["%d %s %%"]})
    assert encode(pickle.loads(pickle.dumps(fragment))) == encode({"100%": ["%d %s %%"]})
    assert isinstance(fragment, Fragment)
    assert fragment.id_count == 2


def test_a_fragment_can_be_used_twice():
    fragment = encode_fragment({"a": [1]})
    assert encode((fragment, [fragment])) == encode(({"a": [1]}, [{"a": [1]}]))
