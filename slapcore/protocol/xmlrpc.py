"""XML-RPC: calls, answers and faults, written and read.

- Whole numbers of up to 32 bits travel as ``<int>``, those of up to 64 as ``<i8>``, larger
  ones as text.  ``<int>``, ``<i4>`` and ``<i8>`` are read.
- There is no value for nothing: a member of a struct that is None is left out when writing.
  ``<nil/>`` is read.
- Dates and binary data are refused: nothing here is one of them.
- Characters that XML can't carry are replaced when writing: an answer can always be sent.
"""

import math
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import ILLEGAL_CHARACTER
from slapcore.protocol.xml import WHITE_SPACE
from slapcore.protocol.xml import Vocabulary
from slapcore.protocol.xml import read_xml
from slapcore.protocol.xml import shorten

MAX_BYTES = 8 << 20
MAX_ANSWER = 64 << 20
MAX_DEPTH = 32
MAX_ELEMENTS = 500_000

SMALL = range(-(2**31), 2**31)
LARGE = range(-(2**63), 2**63)

VOCABULARY = Vocabulary(
    (
        "value", "member", "name", "string", "struct", "array", "data", "int", "i4", "i8",
        "boolean", "double", "nil", "param", "params", "methodName", "methodCall",
        "methodResponse", "fault",
    ),
    (),
)  # fmt: skip

INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
DOUBLE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
METHOD = re.compile(r"[A-Za-z0-9_.:/]{1,200}")

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True)
class Call:
    """A method's name, and what it is called with."""

    name: str
    arguments: list[Value]


@dataclass(frozen=True)
class Fault:
    """What is answered when a call has failed."""

    code: int
    text: str


def write_call(name: str, arguments: Iterable[object]) -> bytes:
    """Write the body of a request."""
    root = etree.Element("methodCall")
    etree.SubElement(root, "methodName").text = _clean(name)
    params = etree.SubElement(root, "params")
    for argument in arguments:
        _write_value(etree.SubElement(params, "param"), argument)
    return _finish(root)


def read_answer(data: bytes) -> Value | Fault:
    """Read the body of an answer; raises ``ProtocolError`` and nothing else."""
    root = read_xml(data, VOCABULARY, max_bytes=MAX_ANSWER, max_elements=MAX_ELEMENTS)
    outcome = _only_child(root, "methodResponse")
    if outcome.tag == "params":
        return _read_value(_only_child(_only_child(outcome, "params"), "param"), 1)
    found = _read_value(_only_child(outcome, "fault"), 1)
    code = found.get("faultCode") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(code, int):
        raise ProtocolError("a <fault> without a code")
    return Fault(code, str(found.get("faultString", "")))


def read_call(data: bytes) -> Call:
    """Read the body of a request; raises ``ProtocolError`` and nothing else."""
    root = read_xml(data, VOCABULARY, max_bytes=MAX_BYTES, max_elements=MAX_ELEMENTS)
    children = _children(root, "methodCall")
    if not children or len(children) > 2:
        raise ProtocolError("<methodCall> holds a <methodName>, perhaps <params>, and no more")
    name = _text(children[0], "methodName").strip(WHITE_SPACE)
    if not METHOD.fullmatch(name):
        raise ProtocolError(f"{shorten(name)!r} can't be the name of a method")
    params = _children(children[1], "params") if len(children) == 2 else []
    return Call(name, [_read_value(_only_child(param, "param"), 1) for param in params])


def _read_value(element: etree._Element, depth: int) -> Value:
    if element.tag != "value":
        raise ProtocolError(f"<{shorten(str(element.tag))}> is not a <value>")
    if depth > MAX_DEPTH:
        raise ProtocolError(f"the values are more than {MAX_DEPTH} levels deep")
    if not len(element):
        return element.text or ""
    kind = _only_child(element, "value")
    if kind.tag == "struct":
        return _read_struct(kind, depth)
    if kind.tag == "array":
        data = _only_child(kind, "array")
        return [_read_value(child, depth + 1) for child in _children(data, "data")]
    reader = READERS.get(str(kind.tag))
    if reader is None:
        raise ProtocolError(f"<{shorten(str(kind.tag))}> is no kind of value")
    return reader(_text(kind, str(kind.tag)))


def _read_struct(struct: etree._Element, depth: int) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for member in _children(struct, "struct"):
        children = _children(member, "member")
        if len(children) != 2:
            raise ProtocolError("a <member> holds a <name> and a <value>")
        name = _text(children[0], "name")
        if name in found:
            raise ProtocolError(f"the member {shorten(name)!r} is there twice")
        found[name] = _read_value(children[1], depth + 1)
    return found


def _read_integer(text: str) -> int:
    stripped = text.strip(WHITE_SPACE)
    if not INTEGER.fullmatch(stripped) or int(stripped) not in LARGE:
        raise ProtocolError(f"{shorten(text)!r} is no whole number of 64 bits")
    return int(stripped)


def _read_boolean(text: str) -> bool:
    stripped = text.strip(WHITE_SPACE)
    if stripped not in ("0", "1"):
        raise ProtocolError(f"{shorten(text)!r} is neither 0 nor 1")
    return stripped == "1"


def _read_double(text: str) -> float:
    stripped = text.strip(WHITE_SPACE)
    if len(stripped) > 100 or not DOUBLE.fullmatch(stripped) or math.isinf(float(stripped)):
        raise ProtocolError(f"{shorten(text)!r} is no number")
    return float(stripped)


def _read_nil(text: str) -> None:
    if text:
        raise ProtocolError("<nil/> holds something")


READERS: dict[str, Callable[[str], Value]] = {
    "string": str,
    "int": _read_integer,
    "i4": _read_integer,
    "i8": _read_integer,
    "boolean": _read_boolean,
    "double": _read_double,
    "nil": _read_nil,
}


def _children(element: etree._Element, tag: str) -> list[etree._Element]:
    """Give what is in ``element``, a ``tag``, which holds no text besides."""
    if element.tag != tag:
        raise ProtocolError(f"<{shorten(str(element.tag))}> is where <{tag}> is expected")
    for text in (element.text, *(child.tail for child in element)):
        if text and text.strip(WHITE_SPACE):
            raise ProtocolError(f"there is {shorten(text)!r} in a <{tag}>")
    return list(element)


def _only_child(element: etree._Element, tag: str) -> etree._Element:
    children = _children(element, tag)
    if len(children) != 1:
        raise ProtocolError(f"a <{tag}> holds {len(children)} elements instead of one")
    return children[0]


def _text(element: etree._Element, tag: str) -> str:
    if element.tag != tag or len(element):
        raise ProtocolError(f"a <{tag}> with nothing but text is expected")
    return element.text or ""


def write_answer(value: object) -> bytes:
    """Write the answer to a call."""
    root = etree.Element("methodResponse")
    param = etree.SubElement(etree.SubElement(root, "params"), "param")
    _write_value(param, value)
    return _finish(root)


def write_fault(code: int, text: str) -> bytes:
    """Write that a call has failed, and why."""
    root = etree.Element("methodResponse")
    _write_value(etree.SubElement(root, "fault"), {"faultCode": code, "faultString": text})
    return _finish(root)


def _finish(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def _write_value(parent: etree._Element, value: object) -> None:
    element = etree.SubElement(parent, "value")
    if isinstance(value, Mapping):
        _write_struct(element, value)
    elif isinstance(value, list | tuple):
        data = etree.SubElement(etree.SubElement(element, "array"), "data")
        for item in value:
            _write_value(data, "" if item is None else item)
    else:
        tag, text = _write_scalar(value)
        etree.SubElement(element, tag).text = text


def _write_struct(element: etree._Element, value: Mapping[object, object]) -> None:
    struct = etree.SubElement(element, "struct")
    for name, item in value.items():
        if item is not None:
            member = etree.SubElement(struct, "member")
            etree.SubElement(member, "name").text = _clean(str(name))
            _write_value(member, item)


def _write_scalar(value: object) -> tuple[str, str]:
    if isinstance(value, bool):
        return "boolean", str(int(value))
    if isinstance(value, int) and value in SMALL:
        return "int", str(value)
    if isinstance(value, int) and value in LARGE:
        return "i8", str(value)
    if isinstance(value, float) and math.isfinite(value):
        return "double", repr(value)
    return "string", _clean(str(value))


def _clean(text: str) -> str:
    return ILLEGAL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
