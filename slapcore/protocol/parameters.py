"""Parameters of an instance as XML: ``<instance><parameter id="key">value</parameter></instance>``.

- What is written is, byte for byte, what the peer writes for the same dictionary: sorted by key,
  indented, values as ``str`` shows them, so None becomes the text "None".
- An empty element is read as the empty text.  The peer reads None, which it would then write as
  "None"; here a parameter stays what it was.
- An id that occurs twice is refused.  The peer joins the values with a space, but never writes
  such a document: one comes from an editing mistake.
- People write this XML by hand too, so comments and CDATA sections are allowed.
"""

from collections.abc import Mapping

from lxml import etree

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import WHITE_SPACE
from slapcore.protocol.xml import Vocabulary
from slapcore.protocol.xml import read_xml
from slapcore.protocol.xml import refuse_illegal_character
from slapcore.protocol.xml import shorten

#: Large enough for every certificate and script that a parameter carries.
MAX_BYTES = 1_000_000
MAX_PARAMETERS = 10_000

VOCABULARY = Vocabulary(("parameter", "instance"), ("id",), by_hand=True)


def write_parameters(parameters: Mapping[str, object]) -> str:
    """Write ``parameters`` as the text that the peer keeps them in."""
    root = etree.Element("instance")
    for key in sorted(parameters):
        text = str(parameters[key])
        refuse_illegal_character(key)
        refuse_illegal_character(text)
        etree.SubElement(root, "parameter", id=key).text = text
    content = etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="utf-8")
    return content.decode()


def read_parameters(data: bytes | str, *, max_bytes: int = MAX_BYTES) -> dict[str, str]:
    """Read parameters; nothing at all means that there are none."""
    if not data:
        return {}
    root = read_xml(data, VOCABULARY, max_bytes=max_bytes, max_elements=MAX_PARAMETERS + 2)
    if root.tag != "instance":
        raise ProtocolError(f"parameters are in a <{shorten(str(root.tag))}>, not in <instance>")
    _refuse_text(root.text)
    parameters: dict[str, str] = {}
    for element in root:
        key, value = _read_parameter(element)
        if key in parameters:
            raise ProtocolError(f"the parameter {shorten(key)!r} is there twice")
        parameters[key] = value
    return parameters


def _read_parameter(element: etree._Element) -> tuple[str, str]:
    if element.tag != "parameter":
        raise ProtocolError(f"<{shorten(str(element.tag))}> is not a <parameter>")
    key = element.get("id")
    if key is None:
        raise ProtocolError("a <parameter> has no id")
    if len(element):
        raise ProtocolError(f"the parameter {shorten(key)!r} holds an element instead of text")
    _refuse_text(element.tail)
    return key, element.text or ""


def _refuse_text(text: str | None) -> None:
    if text and text.strip(WHITE_SPACE):
        raise ProtocolError(f"there is {shorten(text)!r} between the parameters")
