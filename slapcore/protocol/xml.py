"""How XML from outside is read: bounded, no doctype, no comments, nothing that points elsewhere.

- Bytes are UTF-8 whatever the XML declaration says; text is taken as it is.
- Every markup that is not an element or the declaration is refused before a parser sees it, so
  no entity can be declared, expanded or fetched.  Comments and CDATA sections are allowed where
  people write the XML by hand, and only there.
- Whatever is wrong is a ``ProtocolError`` and nothing else.
"""

import re

from lxml import etree

from slapcore.errors import ProtocolError

#: What a document may weigh when the caller says nothing else.
MAX_BYTES = 1_000_000

#: What XML 1.0 can't carry, not even as a character reference.
ILLEGAL_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: White space as XML knows it; Python knows more.
WHITE_SPACE = " \t\r\n"

DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[ \t\r\n][^<>]*\?>")
FOREIGN_MARKUP = re.compile(rb"<[!?]")
FOREIGN_MARKUP_BY_HAND = re.compile(rb"<(?:!(?!--|\[CDATA\[)|\?)")


def read_xml(
    data: bytes | str, *, max_bytes: int = MAX_BYTES, by_hand: bool = False
) -> etree._Element:
    """Read the root element of ``data``; if it may be written ``by_hand``, skip comments."""
    content = _read_utf8(data, max_bytes)
    _refuse_foreign_markup(content, FOREIGN_MARKUP_BY_HAND if by_hand else FOREIGN_MARKUP)
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


def _refuse_foreign_markup(content: bytes, foreign: re.Pattern[bytes]) -> None:
    declaration = DECLARATION.match(content)
    if found := foreign.search(content, declaration.end() if declaration else 0):
        shown = content[found.start() : found.start() + 10].decode(errors="replace")
        raise ProtocolError(f"the XML holds markup that is not allowed here: {shown!r}")
