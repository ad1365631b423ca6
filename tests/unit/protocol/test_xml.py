"""XML is read only if it is made of known words, and then without surprises."""

import time

import pytest

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import Vocabulary
from slapcore.protocol.xml import read_xml
from slapcore.protocol.xml import refuse_illegal_character
from slapcore.protocol.xml import shorten

STRICT = Vocabulary(("b", "a"), ("id", "type"))
BY_HAND = Vocabulary(("b", "a"), ("id",), by_hand=True)


def read(content, vocabulary=STRICT, max_elements=10):
    return read_xml(content, vocabulary, max_bytes=1000, max_elements=max_elements)


@pytest.mark.parametrize(
    "content",
    [
        "<a/>",
        "<a></a>",
        "<a />",
        '<a id="1" type="2"/>',
        "<a\tid = '>'\n\ttype=\"'\" ></a >",
        '<?xml version="1.0"?>\n<a/>\n',
        "<a><b/>x<b/>></a>",
        "<a>&lt;!DOCTYPE&gt;</a>",
    ],
)
def test_known_words_are_read(content):
    assert read(content).tag == "a"


@pytest.mark.parametrize(
    "content",
    [
        "<c/>",
        "<ab/>",
        "<A/>",
        "<a.b/>",
        "<a:b/>",
        "<a><b></c></a>",
        '<a name="1"/>',
        '<a id="<"/>',
        '<a id="1" type="2" id="3"/>',
        '<a xmlns="x"/>',
        '<a xml:id="x"/>',
        '<!DOCTYPE a><a id="1"/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "<a><!-- x --></a>",
        "<a><![CDATA[x]]></a>",
        "<a><?x y?></a>",
        '<a/><?xml version="1.0"?>',
        "< a/>",
        "<a><",
        "<a id=",
        "<a id='",
        "<",
    ],
)
def test_other_markup_never_reaches_the_parser(content):
    with pytest.raises(ProtocolError, match="markup that is not allowed here"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x",
        "<a>",
        "<a></b>",
        "</a/>",
        "<a/><b/>",
        "<a/>x",
        '<a id="1" id="2"/>',
        "<a>&x;</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a>\x00</a>",
        "<a>\uffff</a>",
        "<a>]]></a>",
        " <?xml version='1.0'?><a/>",
        "<?xml ?><a/>",
    ],
)
def test_what_is_not_well_formed_is_refused(content):
    with pytest.raises(ProtocolError, match=r"not well-formed|not allowed here"):
        read(content)


def test_comments_and_cdata_are_read_where_people_write():
    element = read("<!-- <c/> --><a>x<!-- <c> & -->y<![CDATA[<c>&amp;]]>z</a><!---->", BY_HAND)
    assert element.text == "xy<c>&amp;z"


@pytest.mark.parametrize(
    "content",
    [
        "<!DOCTYPE a><a/>",
        "<a><!-- x</a>",
        "<a><![CDATA[x</a>",
        "<a><!-- -- --></a>",
        "<a><!-- <c/> --><c/><!-- --></a>",
        "<a><?x?></a>",
    ],
)
def test_people_may_not_write_everything(content):
    with pytest.raises(ProtocolError, match=r"not well-formed|not allowed here"):
        read(content, BY_HAND)


def test_elements_are_counted_before_they_are_made():
    assert len(read("<a>" + "<b></b>" * 9 + "</a>")) == 9
    with pytest.raises(ProtocolError, match="more than 10 elements"):
        read("<a>" + "<b></b>" * 10 + "</a>")
    assert read("<a><![CDATA[" + "<" * 20 + "]]></a>", BY_HAND).text == "<" * 20


@pytest.mark.parametrize("character", ["\t", "\n", "\r", "\x7f", "\x85", "\ufffd", "\U0010ffff"])
def test_what_xml_carries_passes(character):
    refuse_illegal_character(f"a{character}b")


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\ud800", "\ufffe"])
def test_what_xml_can_t_carry_is_named(character):
    with pytest.raises(ProtocolError, match=f"U\\+{ord(character):04X}"):
        refuse_illegal_character(f"a{character}b")


def test_what_is_shown_is_cut():
    assert shorten("a" * 60) == "a" * 60
    assert shorten("a" * 61) == "a" * 59 + "…"
    assert shorten(None) == ""


@pytest.mark.parametrize(
    "content",
    [
        "<![CDATA[" * 100_000,
        "<!--" * 200_000,
        "<!-- - -" + "-" * 900_000,
        "<![CDATA[" + "]" * 900_000,
        "<a" + " " * 900_000,
        "<a id='" + " " * 900_000,
        "<a id='x' " * 90_000,
        "<a id=''" * 90_000,
    ],
)
def test_no_input_takes_long(content):
    start = time.process_time()
    with pytest.raises(ProtocolError):
        read_xml(content, BY_HAND, max_bytes=1_000_000, max_elements=1_000_000)
    assert time.process_time() - start < 2
