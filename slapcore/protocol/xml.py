"""How XML from outside is read: bounded, and only if it is made of words that are known.

- Bytes are UTF-8 whatever the XML declaration says; text is taken as it is.
- Every form of XML has a vocabulary.  Any other tag, attribute or markup is refused before a
  parser sees it: nothing can declare, expand or fetch an entity, and the parser, which never
  forgets a name it has seen, can't be filled with names.
- Comments and CDATA sections are allowed where people write the XML by hand, and only there.
- Whatever is wrong is a ``ProtocolError`` and nothing else.
"""

import re
from collections.abc import Iterable

from lxml import etree

from slapcore.errors import ProtocolError

#: What XML 1.0 can't carry, not even as a character reference.
ILLEGAL_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: White space as XML knows it; Python knows more.
WHITE_SPACE = " \t\r\n"

DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?<\?xml[ \t\r\n][^<>]*\?>")
#: What people may write around text, and how it ends.
SECTION = re.compile(rb"<!--|<!\[CDATA\[")
SECTION_END = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}


class Vocabulary:
    """The tags and attributes of one form of XML; the common ones come first, for speed."""

    def __init__(
        self, tags: Iterable[str], attributes: Iterable[str], *, by_hand: bool = False
    ) -> None:
        names = tuple(attributes)
        space = "[ \t\r\n]"
        attribute = rf"{space}+(?:{'|'.join(names)}){space}*={space}*(?:\"[^<\"]*\"|'[^<']*')"
        tag = rf"/?(?:{'|'.join(tags)})(?:{attribute}){{0,{len(names)}}}{space}*/?>"
        self.foreign = re.compile(f"<(?!{tag})".encode())
        self.by_hand = by_hand

    def check(self, content: bytes, max_elements: int) -> None:
        """Refuse whatever starts like markup and is no known tag, and too many tags."""
        content = DECLARATION.sub(b"", content, count=1)
        if self.by_hand:
            content = _leave_out_sections(content)
        if content.count(b"<") - content.count(b"</") > max_elements:
            raise ProtocolError(f"the XML has more than {max_elements} elements")
        if found := self.foreign.search(content):
            shown = content[found.start() : found.start() + 30].decode(errors="replace")
            raise ProtocolError(f"the XML holds markup that is not allowed here: {shown!r}")


def read_xml(
    data: bytes | str, vocabulary: Vocabulary, *, max_bytes: int, max_elements: int
) -> etree._Element:
    """Read the root element of ``data``."""
    content = _read_utf8(data, max_bytes)
    vocabulary.check(content, max_elements)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ProtocolError(f"the XML is not well-formed: {shorten(str(error), 200)}") from error


def refuse_illegal_character(text: str) -> None:
    """Refuse what would make the document unreadable for everybody."""
    if found := ILLEGAL_CHARACTER.search(text):
        raise ProtocolError(f"XML can't carry the character U+{ord(found[0]):04X}")


def shorten(text: str | None, length: int = 60) -> str:
    """Show what came in, but never more of it than a person would read."""
    text = text or ""
    return text if len(text) <= length else text[: length - 1] + "…"


def _read_utf8(data: bytes | str, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise ProtocolError(f"the XML is longer than {max_bytes} bytes")
    try:
        content = data.encode() if isinstance(data, str) else data
        content.decode()
    except UnicodeError as error:
        raise ProtocolError("the XML is not UTF-8") from error
    if len(content) > max_bytes:
        raise ProtocolError(f"the XML is longer than {max_bytes} bytes")
    return content


def _leave_out_sections(content: bytes) -> bytes:
    """Leave out comments and CDATA sections; one without an end stays, to be refused."""
    parts = []
    position = 0
    while found := SECTION.search(content, position):
        closing = SECTION_END[found[0]]
        end = content.find(closing, found.end())
        if end < 0:
            break
        parts.append(content[position : found.start()])
        position = end + len(closing)
    return b"".join(parts) + content[position:]
