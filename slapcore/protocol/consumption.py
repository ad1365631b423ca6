"""Usage reports of nodes: a ``<journal>`` of transactions, each with movements of resources.

- The order of the elements within a transaction or a movement does not matter; what must be
  there must be there once.
- A date is ``YYYY-MM-DD``, with a time behind it after a space, a T or the word "at", as the
  node's reports write it; one without a zone is taken as UTC, an empty one is None.
- The node's agent writes the word None where an instance said nothing; it is read as nothing.
- What a movement is about is its reference: a node, an instance, or, in the reports that the
  node itself makes, the name of a partition.
"""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime

from lxml import etree

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import WHITE_SPACE
from slapcore.protocol.xml import Vocabulary
from slapcore.protocol.xml import read_xml
from slapcore.protocol.xml import shorten

MAX_BYTES = 5_000_000
MAX_ELEMENTS = 200_000
MAX_TEXT = 1_000

VOCABULARY = Vocabulary(
    ("category", "title", "reference", "resource", "quantity", "price", "VAT", "movement")
    + ("journal", "transaction", "start_date", "stop_date", "currency", "payment_mode")
    + ("arrow", "source", "destination"),
    ("type",),
)

NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})(?:[eE][-+]?[0-9]{1,3})?"
)
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: at | |T)(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Movement:
    """So much of a resource, used by whatever ``reference`` names."""

    resource: str
    reference: str
    title: str
    quantity: float
    price: float
    vat: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """From whom to whom."""

    kind: str
    source: str
    destination: str


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """Movements of one period."""

    kind: str
    title: str
    reference: str
    start: datetime | None
    stop: datetime | None
    currency: str
    payment_mode: str
    categories: tuple[str, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True)
class UsageReport:
    """Everything that one report says."""

    transactions: tuple[Transaction, ...]


def read_usage(data: bytes | str, *, max_bytes: int = MAX_BYTES) -> UsageReport:
    """Read a report and check that it is whole."""
    root = read_xml(data, VOCABULARY, max_bytes=max_bytes, max_elements=MAX_ELEMENTS)
    if root.tag != "journal":
        raise ProtocolError(f"the report is a <{shorten(str(root.tag))}>, not a <journal>")
    journal = _Fields(root, many=("transaction",))
    return UsageReport(tuple(map(_read_transaction, journal.read_many("transaction"))))


class _Fields:
    """The children of one element, by name."""

    def __init__(
        self,
        element: etree._Element,
        *,
        needed: Collection[str] = (),
        allowed: Collection[str] = (),
        many: Collection[str] = (),
    ) -> None:
        self.tag = str(element.tag)
        self.children: dict[str, list[etree._Element]] = {}
        _refuse_text(self.tag, element.text)
        for child in element:
            _refuse_text(self.tag, child.tail)
            self.children.setdefault(str(child.tag), []).append(child)
        for tag, children in self.children.items():
            if tag not in needed and tag not in allowed and tag not in many:
                raise ProtocolError(f"<{self.tag}> holds an unknown <{shorten(tag)}>")
            if len(children) > 1 and tag not in many:
                raise ProtocolError(f"<{self.tag}> holds more than one <{tag}>")
        for tag in needed:
            if tag not in self.children:
                raise ProtocolError(f"<{self.tag}> holds no <{tag}>")

    def read_text(self, tag: str) -> str:
        """Read the text of a child; one that may be missing reads as empty."""
        return _read_text(self.children[tag][0]) if tag in self.children else ""

    def read_texts(self, tag: str) -> tuple[str, ...]:
        """Read the texts that are not empty."""
        return tuple(filter(None, map(_read_text, self.children.get(tag, ()))))

    def read_many(self, tag: str) -> list[etree._Element]:
        """Read children of which there must be at least one."""
        if tag not in self.children:
            raise ProtocolError(f"<{self.tag}> holds no <{tag}>")
        return self.children[tag]

    def read_number(self, tag: str) -> float:
        text = self.read_text(tag).strip(WHITE_SPACE)
        if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise ProtocolError(f"<{tag}> holds {shorten(text)!r}, not a finite number")
        return float(text)

    def read_date(self, tag: str) -> datetime | None:
        text = self.read_text(tag).strip(WHITE_SPACE)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(DATE.sub(r"\1T\2", text))
        except ValueError as error:
            raise ProtocolError(f"<{tag}> holds {shorten(text)!r}, not a date") from error
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_transaction(element: etree._Element) -> Transaction:
    fields = _Fields(
        element,
        needed=("start_date", "stop_date", "reference", "currency", "payment_mode"),
        allowed=("title",),
        many=("category", "arrow", "movement"),
    )
    return Transaction(
        kind=_read_kind(element),
        title=fields.read_text("title"),
        reference=fields.read_text("reference"),
        start=fields.read_date("start_date"),
        stop=fields.read_date("stop_date"),
        currency=fields.read_text("currency"),
        payment_mode=fields.read_text("payment_mode"),
        categories=fields.read_texts("category"),
        arrows=tuple(map(_read_arrow, fields.read_many("arrow"))),
        movements=tuple(map(_read_movement, fields.read_many("movement"))),
    )


def _read_arrow(element: etree._Element) -> Arrow:
    fields = _Fields(element, allowed=("source", "destination"))
    return Arrow(
        kind=_read_kind(element),
        source=fields.read_text("source"),
        destination=fields.read_text("destination"),
    )


def _read_movement(element: etree._Element) -> Movement:
    fields = _Fields(
        element,
        needed=("resource", "quantity", "price", "VAT"),
        allowed=("title", "reference"),
        many=("category",),
    )
    return Movement(
        resource=fields.read_text("resource"),
        reference=fields.read_text("reference"),
        title=fields.read_text("title"),
        quantity=fields.read_number("quantity"),
        price=fields.read_number("price"),
        vat=fields.read_text("VAT"),
        categories=fields.read_texts("category"),
    )


def _read_kind(element: etree._Element) -> str:
    kind = element.get("type")
    if kind is None:
        raise ProtocolError(f"<{element.tag}> has no type")
    return kind


def _read_text(element: etree._Element) -> str:
    if len(element):
        raise ProtocolError(f"<{element.tag}> holds an element instead of text")
    text = element.text or ""
    if len(text) > MAX_TEXT:
        raise ProtocolError(f"<{element.tag}> holds more than {MAX_TEXT} characters")
    return "" if text == "None" else text


def _refuse_text(tag: str, text: str | None) -> None:
    if text and text.strip(WHITE_SPACE):
        raise ProtocolError(f"<{tag}> holds {shorten(text)!r} between its elements")
