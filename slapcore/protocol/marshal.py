"""The ``<marshal>`` XML of SLAP: Python values, and documents of four known classes.

What is written is, byte for byte, what the peer's library writes for the same value, with one
exception: a list or dictionary that occurs twice is written out twice, where the peer writes a
``<reference>`` to the first.  The peer reads both alike, and so the bytes depend on the value
alone, never on which objects it is made of.

- Ids are i2, i3 … in order of appearance; lists, dictionaries and objects carry one.
- Text is escaped twice, and what is not ASCII becomes a character reference, as the peer does.
- NaN and the infinities are refused both ways: they are not equal to themselves or not JSON, and
  nothing in SLAP has a use for them.
- Keys of a dictionary are text, numbers, truth values or nothing, and occur once.
- A reference must point to a container that is complete; what it repeats counts as if written out.
"""

import math
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from functools import cmp_to_key
from typing import Any
from typing import TypeAlias

from lxml import etree

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import WHITE_SPACE
from slapcore.protocol.xml import Vocabulary
from slapcore.protocol.xml import read_xml
from slapcore.protocol.xml import refuse_illegal_character
from slapcore.protocol.xml import shorten

#: The classes that travel, and where the peer's library keeps them.
CLASS_NAMES = frozenset({"Computer", "ComputerPartition", "SoftwareRelease", "SoftwareInstance"})
MODULE = "slapos.slap.slap"

#: A description of a node with 2,500 partitions fits; callers allow less where less is enough.
MAX_BYTES = 10_000_000
MAX_DEPTH = 64
MAX_ELEMENTS = 500_000
#: Below the smallest limit that Python can be told to put on the digits of a number.
MAX_DIGITS = 600
MAX_INT = 10**MAX_DIGITS - 1

#: Keys above are refused: numbers can be chosen so that all hash alike, small ones can't.
MAX_KEY = 2**60


@dataclass(frozen=True)
class Document:
    """An object of the peer's client library: its class, initial arguments and attributes."""

    class_name: str
    args: tuple[Any, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fragment:
    """A value written ahead, whose ids are filled in when the whole is put together."""

    template: str
    id_count: int
    height: int


Value: TypeAlias = (
    bool | int | float | str | list[Any] | tuple[Any, ...] | dict[Any, Any] | Document | None
)


def encode(value: object) -> bytes:
    """Write ``value``, which may contain fragments anywhere, as a whole document."""
    writer = _Writer()
    writer.parts.append("<marshal>")
    writer.write(value, 1)
    writer.parts.append("</marshal>")
    return writer.make_template() % tuple(range(2, 2 + writer.id_count))


def encode_fragment(value: object) -> Fragment:
    """Write ``value`` once, to be put into documents many times."""
    writer = _Writer()
    writer.write(value, 1)
    return Fragment(writer.make_template().decode("ascii"), writer.id_count, writer.deepest)


def decode(
    data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> Value:
    """Read the value of a whole document.

    A container that the document refers to again is the same object in both places, so what
    comes back is to be read, not changed.
    """
    if isinstance(data, str) and len(data) <= max_bytes and max_depth > PLAIN_DEPTH:
        if data in KNOWN:
            return KNOWN[data]
        if (pairs := _read_plain(data)) is not None:
            return pairs
    return _decode_any(data, max_bytes, max_depth)


def _decode_any(data: bytes | str, max_bytes: int, max_depth: int) -> Value:
    root = read_xml(data, VOCABULARY, max_bytes=max_bytes, max_elements=MAX_ELEMENTS + 1)
    if root.tag != "marshal":
        raise ProtocolError(f"the document is a <{shorten(root.tag)}>, not a <marshal>")
    _refuse_attributes(root, ())
    _refuse_text(root)
    if len(root) != 1:
        raise ProtocolError(f"<marshal> holds {len(root)} values instead of one")
    return _Reader(max_bytes, max_depth).read(root[0], 1)


class _Writer:
    """Writes one template: collects its parts and counts its ids."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.id_count = 0
        self.deepest = 0

    def make_template(self) -> bytes:
        """Put the parts together, with ``%d`` where an id belongs."""
        return "".join(self.parts).encode("ascii", "xmlcharrefreplace")

    def write(self, value: object, depth: int) -> None:
        self.reach(depth)
        kind = type(value)
        if kind not in SCALAR_WRITERS and kind not in CONTAINER_WRITERS:
            kind = _find_known_parent(kind)
        if kind in SCALAR_WRITERS:
            self.parts.append(SCALAR_WRITERS[kind](value))
        else:
            CONTAINER_WRITERS[kind](self, value, depth)

    def reach(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ProtocolError(f"the value is nested deeper than {MAX_DEPTH}")
        self.deepest = max(self.deepest, depth)

    def write_tuple(self, value: tuple[object, ...], depth: int) -> None:
        self.write_members("tuple", "", value, depth)

    def write_list(self, value: list[object], depth: int) -> None:
        self.id_count += 1
        self.write_members("list", ' id="i%d"', value, depth)

    def write_dictionary(self, value: dict[object, object], depth: int) -> None:
        self.id_count += 1
        members: list[object] = []
        for key in sorted(value, key=_key_order):
            _refuse_key(key)
            members += (key, value[key])
        self.write_members("dictionary", ' id="i%d"', members, depth)

    def write_document(self, value: Document, depth: int) -> None:
        if value.class_name not in CLASS_NAMES:
            raise ProtocolError(f"documents of class {shorten(value.class_name)!r} don't travel")
        _refuse_attribute_names(value.attributes)
        self.id_count += 1
        attributes = f' id="i%d" module="{MODULE}" class="{value.class_name}"'
        members = (tuple(value.args), dict(value.attributes))
        self.write_members("object", attributes, members, depth)

    def write_fragment(self, value: Fragment, depth: int) -> None:
        self.reach(depth + value.height - 1)
        self.id_count += value.id_count
        self.parts.append(value.template)

    def write_members(
        self, tag: str, attributes: str, members: Sequence[object], depth: int
    ) -> None:
        if not members:
            self.parts.append(f"<{tag}{attributes}/>")
            return
        self.parts.append(f"<{tag}{attributes}>")
        for member in members:
            self.write(member, depth + 1)
        self.parts.append(f"</{tag}>")


def _write_none(value: None) -> str:
    return "<none/>"


def _write_bool(value: bool) -> str:
    return "<bool>1</bool>" if value else "<bool>0</bool>"


def _write_int(value: int) -> str:
    if abs(value) > MAX_INT:
        raise ProtocolError(f"a whole number has more than {MAX_DIGITS} digits")
    tag = "int" if -1e24 < value < 1e24 else "long"
    return f"<{tag}>{int(value)}</{tag}>"


def _write_float(value: float) -> str:
    if not math.isfinite(value):
        raise ProtocolError(f"the number {value} is not finite")
    return f"<float>{float(value)!r}</float>"


def _write_text(value: str) -> str:
    refuse_illegal_character(value)
    text = str(value).replace("&", "&amp;amp;").replace("<", "&amp;lt;").replace(">", "&amp;gt;")
    text = text.replace("\r", "&#13;").replace("%", "%%")
    return f"<string>{text}</string>"


SCALAR_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): _write_none,
    bool: _write_bool,
    int: _write_int,
    float: _write_float,
    str: _write_text,
}

CONTAINER_WRITERS: dict[type, Callable[[_Writer, Any, int], None]] = {
    tuple: _Writer.write_tuple,
    list: _Writer.write_list,
    dict: _Writer.write_dictionary,
    Document: _Writer.write_document,
    Fragment: _Writer.write_fragment,
}


def _find_known_parent(kind: type) -> type:
    """Find as what a subclass is written: an enumeration of words is text, for instance."""
    for parent in kind.__mro__:
        if parent in SCALAR_WRITERS or parent in CONTAINER_WRITERS:
            return parent
    raise ProtocolError(f"a value of type {kind.__name__} can't travel")


@cmp_to_key
def _key_order(one: Any, other: Any) -> int:  # noqa: ANN401 - any two keys
    """Order keys by themselves, or by how they are shown when they don't compare."""
    try:
        return int(one > other) - int(one < other)
    except TypeError:
        return int(repr(one) > repr(other)) - int(repr(one) < repr(other))


#: Names of elements, the frequent ones first.
TAGS = (
    ("string", "dictionary", "tuple", "list", "none", "int", "object", "bool", "float")
    + ("long", "unicode", "reference", "marshal")
)
VOCABULARY = Vocabulary(TAGS, ("id", "module", "class"))

WHOLE_NUMBER = re.compile(rf"[-+]?[0-9]{{1,{MAX_DIGITS}}}")
DECIMAL_NUMBER = re.compile(
    rf"[-+]?(?:[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{0,{MAX_DIGITS}}})?|\.[0-9]{{1,{MAX_DIGITS}}})"
    r"(?:[eE][-+]?[0-9]{1,9})?"
)


#: Nearly all that clients send is one of these, or a dictionary of plain texts: no parser is
#: needed to read it.  Whatever is written otherwise, or wrong, is left to one.
KNOWN: dict[str, Value] = {
    "<marshal><none/></marshal>": None,
    "<marshal><bool>0</bool></marshal>": False,
    "<marshal><bool>1</bool></marshal>": True,
}
PLAIN_DEPTH = 2
PLAIN_START = '<marshal><dictionary id="i2"><string>'
PLAIN_END = "</string></dictionary></marshal>"
PLAIN_TEXT = re.compile(r"[\x20-\x25\x27-\x3b=\x3f-\x7e]*")
PLAIN_BREAK = "</string><string>"


@dataclass(frozen=True)
class _Finished:
    """A container that may be referred to, and what repeating it costs."""

    value: Value
    size: int
    length: int
    height: int


class _Reader:
    """Reads one document: counts what it amounts to and remembers what can be referred to."""

    def __init__(self, max_length: int, max_depth: int) -> None:
        self.max_length = max_length
        self.max_depth = max_depth
        #: Elements and characters, with all that is referred to written out.
        self.size = 0
        self.length = 0
        self.deepest = 0
        #: None while the container is being read.
        self.finished: dict[str, _Finished | None] = {}

    def read(self, node: etree._Element, depth: int) -> Value:
        text = node.text or ""
        self.count(1, len(text), depth)
        read_scalar = SCALAR_READERS.get(node.tag)
        if read_scalar is not None:
            if len(node):
                raise ProtocolError(f"<{node.tag}> holds an element instead of text")
            _refuse_attributes(node, ())
            return read_scalar(text)
        read_container = CONTAINER_READERS.get(node.tag)
        if read_container is None:
            raise ProtocolError(f"<{node.tag}> is not allowed inside a document")
        _refuse_text(node)
        return read_container(self, node, depth)

    def count(self, size: int, length: int, depth: int) -> None:
        self.size += size
        self.length += length
        self.deepest = max(self.deepest, depth)
        if self.size > MAX_ELEMENTS:
            raise ProtocolError(f"the document has more than {MAX_ELEMENTS} elements")
        if self.length > self.max_length:
            raise ProtocolError(f"the document amounts to more than {self.max_length} characters")
        if self.deepest > self.max_depth:
            raise ProtocolError(f"the document is nested deeper than {self.max_depth}")

    def read_tuple(self, node: etree._Element, depth: int) -> Value:
        _refuse_attributes(node, ())
        return tuple(self.read_members(node, depth))

    def read_list(self, node: etree._Element, depth: int) -> Value:
        return self.remember(node, depth, self.read_members)

    def read_dictionary(self, node: etree._Element, depth: int) -> Value:
        return self.remember(node, depth, self.read_pairs)

    def read_object(self, node: etree._Element, depth: int) -> Value:
        return self.remember(node, depth, self.read_document, ("id", "module", "class"))

    def read_reference(self, node: etree._Element, depth: int) -> Value:
        _refuse_attributes(node, ("id",))
        if len(node):
            raise ProtocolError("<reference> holds an element")
        name = node.get("id", "")
        if name not in self.finished:
            raise ProtocolError(f"<reference> points to {shorten(name)!r}, which is not there")
        finished = self.finished[name]
        if finished is None:
            raise ProtocolError(f"<reference> points to {shorten(name)!r}, which contains it")
        self.count(finished.size, finished.length, depth + finished.height)
        return finished.value

    def remember(
        self,
        node: etree._Element,
        depth: int,
        read: Callable[[etree._Element, int], Value],
        attributes: tuple[str, ...] = ("id",),
    ) -> Value:
        """Read a container; if it has an id, note what it costs to refer to it."""
        _refuse_attributes(node, attributes)
        name = node.get("id")
        if name in self.finished:
            raise ProtocolError(f"the id {shorten(name)!r} is used twice")
        if name is None:
            return read(node, depth)
        self.finished[name] = None
        size, length, deepest = self.size, self.length, self.deepest
        self.deepest = depth
        value = read(node, depth)
        self.finished[name] = _Finished(
            value, self.size - size, self.length - length, self.deepest - depth
        )
        self.deepest = max(deepest, self.deepest)
        return value

    def read_members(self, node: etree._Element, depth: int) -> list[Any]:
        return [self.read(member, depth + 1) for member in node]

    def read_pairs(self, node: etree._Element, depth: int) -> dict[Any, Any]:
        if len(node) % 2:
            raise ProtocolError("<dictionary> holds a key without a value")
        members = iter(self.read_members(node, depth))
        pairs: dict[Any, Any] = {}
        for key in members:
            _refuse_key(key)
            if key in pairs:
                raise ProtocolError(f"<dictionary> holds the key {shorten(str(key))!r} twice")
            pairs[key] = next(members)
        return pairs

    def read_document(self, node: etree._Element, depth: int) -> Document:
        class_name, module = node.get("class"), node.get("module")
        if module != MODULE or class_name not in CLASS_NAMES:
            raise ProtocolError(
                f"objects of class {shorten(module)}.{shorten(class_name)} don't travel"
            )
        if len(node) != 2:
            raise ProtocolError("<object> must hold its arguments and its attributes")
        args, attributes = self.read_members(node, depth)
        if not isinstance(args, tuple) or not isinstance(attributes, dict):
            raise ProtocolError("<object> must hold a <tuple> and a <dictionary>")
        _refuse_attribute_names(attributes)
        return Document(class_name, args, attributes)


def _read_plain(text: str) -> dict[Any, Any] | None:
    """Read a dictionary of plain texts; ``None`` when it is anything else."""
    if not (text.startswith(PLAIN_START) and text.endswith(PLAIN_END)):
        return None
    texts = text[len(PLAIN_START) : -len(PLAIN_END)].split(PLAIN_BREAK)
    if len(texts) % 2 or not PLAIN_TEXT.fullmatch("".join(texts)):
        return None
    pairs = dict(zip(texts[::2], texts[1::2], strict=True))
    return pairs if len(pairs) * 2 == len(texts) else None


def _read_none(text: str) -> None:
    if text.strip(WHITE_SPACE):
        raise ProtocolError(f"<none> holds {shorten(text)!r}")


def _read_bool(text: str) -> bool:
    if text not in ("0", "1"):
        raise ProtocolError(f"<bool> holds {shorten(text)!r} instead of 0 or 1")
    return text == "1"


def _read_int(text: str) -> int:
    if not WHOLE_NUMBER.fullmatch(text):
        raise ProtocolError(
            f"<int> holds {shorten(text)!r}, not a whole number of at most {MAX_DIGITS} digits"
        )
    return int(text)


def _read_float(text: str) -> float:
    if not DECIMAL_NUMBER.fullmatch(text):
        raise ProtocolError(f"<float> holds {shorten(text)!r}, not a finite number")
    value = float(text)
    if not math.isfinite(value):
        raise ProtocolError(f"<float> holds {shorten(text)!r}, which is too large")
    return value


def _read_text(text: str) -> str:
    """Undo the first of the two escapings; the parser has undone the other."""
    if "&" not in text:
        return text
    return text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")


SCALAR_READERS: dict[object, Callable[[str], Value]] = {
    "none": _read_none,
    "bool": _read_bool,
    "int": _read_int,
    "long": _read_int,
    "float": _read_float,
    "string": _read_text,
    "unicode": _read_text,
}

CONTAINER_READERS: dict[object, Callable[[_Reader, etree._Element, int], Value]] = {
    "tuple": _Reader.read_tuple,
    "list": _Reader.read_list,
    "dictionary": _Reader.read_dictionary,
    "object": _Reader.read_object,
    "reference": _Reader.read_reference,
}


def _refuse_attribute_names(attributes: Iterable[object]) -> None:
    if not all(isinstance(name, str) for name in attributes):
        raise ProtocolError("an attribute of a document has a name that is not text")


def _refuse_key(key: object) -> None:
    if not isinstance(key, str | int | float | None):
        raise ProtocolError(f"a dictionary has a {type(key).__name__} for a key")
    if isinstance(key, int | float) and abs(key) >= MAX_KEY:
        raise ProtocolError("a dictionary has too large a number for a key")


def _refuse_attributes(node: etree._Element, allowed: Iterable[str]) -> None:
    if not node.attrib:
        return
    for name in node.attrib:
        if str(name) not in allowed:
            raise ProtocolError(f"<{node.tag}> has an unknown attribute {shorten(str(name))!r}")


def _refuse_text(node: etree._Element) -> None:
    """Refuse text between the elements that ``node`` holds; white space is a matter of taste."""
    texts = [node.text, *(member.tail for member in node)]
    for text in texts:
        if text and text.strip(WHITE_SPACE):
            raise ProtocolError(f"<{node.tag}> holds {shorten(text)!r} between its elements")
