"""Parameters written and read as XML."""

import pytest

from slapcore.errors import ProtocolError
from slapcore.protocol import parameters
from slapcore.protocol.parameters import read_parameters
from slapcore.protocol.parameters import write_parameters


def test_nothing_is_no_parameters():
    assert read_parameters("") == read_parameters(b"") == read_parameters("<instance/>") == {}


def test_an_empty_parameter_is_empty_text():
    assert read_parameters('<instance><parameter id="a"/></instance>') == {"a": ""}
    assert read_parameters(write_parameters({"a": ""})) == {"a": ""}


def test_what_is_not_text_is_written_as_it_is_shown():
    assert read_parameters(write_parameters({"a": None, "b": 1})) == {"a": "None", "b": "1"}


def test_what_people_write_is_read():
    content = """<?xml version="1.0" encoding="utf-8"?>
    <!-- for the shop -->
    <instance>
      <!-- the whole thing -->
      <parameter id="_"><![CDATA[{"a": "<b>"}]]></parameter>
    </instance>
    """
    assert read_parameters(content) == {"_": '{"a": "<b>"}'}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("<parameter id='a'/>", "parameters are in a <parameter>, not in <instance>"),
        ("<instance><parameter/></instance>", "a <parameter> has no id"),
        ("<instance><instance/></instance>", "<instance> is not a <parameter>"),
        ("<instance>x<parameter id='a'/></instance>", "there is 'x' between the parameters"),
        ("<instance><parameter id='a'/>x</instance>", "there is 'x' between the parameters"),
        (
            "<instance><parameter id='a'><parameter id='b'/></parameter></instance>",
            "the parameter 'a' holds an element instead of text",
        ),
        (
            "<instance><parameter id='a'>1</parameter><parameter id='a'>2</parameter></instance>",
            "the parameter 'a' is there twice",
        ),
        ("<instance><param id='a'/></instance>", 'not allowed here: "<param id'),
        ("port = 80", "not well-formed"),
    ],
)
def test_the_fault_of_parameters_is_named(content, fault):
    with pytest.raises(ProtocolError, match=fault):
        read_parameters(content)


def test_too_much_is_refused():
    with pytest.raises(ProtocolError, match="longer than 1000000 bytes"):
        read_parameters(" " * (parameters.MAX_BYTES + 1))
    with pytest.raises(ProtocolError, match="longer than 10 bytes"):
        read_parameters("<instance/>", max_bytes=10)
    many = "".join(f"<parameter id='{index}'/>" for index in range(parameters.MAX_PARAMETERS + 2))
    with pytest.raises(ProtocolError, match="elements"):
        read_parameters(f"<instance>{many}</instance>")


@pytest.mark.parametrize("bad", [{"a": "\x00"}, {"\x1b": "a"}])
def test_what_xml_can_t_carry_is_refused(bad):
    with pytest.raises(ProtocolError, match="XML can't carry the character"):
        write_parameters(bad)
