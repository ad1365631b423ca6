"""The search language: the part of a catalogue's that clients use, and no more.

``key:"value"`` and ``key:="value"`` mean that the key is exactly that; a bare word needs no
quotes, and ``key:("a", "b")`` is either.  Terms are joined by AND and OR (or and, or), AND
first, and grouped by parentheses.  Within quotes a backslash stands before a quote or another
backslash.  Anything else raises ``InvalidValue`` with where it went wrong.
"""

import re
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass

from slapcore.errors import InvalidValue

MAX_LENGTH = 10_000
MAX_DEPTH = 20

TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<word>[^\s"():=<>!,]+)
      | (?P<sign>[():=,])
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPED = re.compile(r'\\(["\\])')

Values = Callable[[str], object]


@dataclass(frozen=True)
class Term:
    """One key that must have one of some values."""

    key: str
    values: tuple[str, ...]

    def holds(self, value_of: Values) -> bool:
        return value_of(self.key) in self.values

    def terms(self) -> "Iterator[Term]":
        yield self

    def changed(self, change: "Callable[[Term], Term]") -> "Term":
        return change(self)

    def exact(self) -> dict[str, str]:
        """Give the keys that must have a certain value for this to hold."""
        return {self.key: self.values[0]} if len(self.values) == 1 else {}


@dataclass(frozen=True)
class Group:
    """Several conditions of which all must hold, or any."""

    all_of: bool
    parts: "tuple[Condition, ...]"

    def holds(self, value_of: Values) -> bool:
        return (all if self.all_of else any)(part.holds(value_of) for part in self.parts)

    def terms(self) -> Iterator[Term]:
        for part in self.parts:
            yield from part.terms()

    def changed(self, change: Callable[[Term], Term]) -> "Group":
        """Give the same with every term changed."""
        return Group(self.all_of, tuple(part.changed(change) for part in self.parts))

    def exact(self) -> dict[str, str]:
        if not self.all_of:
            return {}
        return {key: value for part in self.parts for key, value in part.exact().items()}


Condition = Term | Group


@dataclass(frozen=True)
class Token:
    """A piece of a query; ``kind`` is quoted, word, sign or end."""

    kind: str
    text: str
    place: int

    def is_joint(self, name: str) -> bool:
        return self.kind == "word" and self.text in (name, name.lower())


def read_query(text: str) -> Condition:
    """Read a query; raises ``InvalidValue`` unless it is one through and through."""
    if len(text) > MAX_LENGTH:
        raise InvalidValue(f"the query has {len(text)} characters; {MAX_LENGTH} are allowed")
    reader = _Reader(list(split(text)))
    condition = reader.read_any(0)
    reader.expect("end", "")
    return condition


def split(text: str) -> Iterator[Token]:
    """Cut a query into its pieces."""
    place = 0
    end = len(text.rstrip())
    while place < end:
        found = TOKEN.match(text, place)
        if found is None:
            raise InvalidValue(f"the query can't be read from {shown(text[place:])} on")
        kind = found.lastgroup or ""
        yield Token(kind, found[kind], found.start(kind))
        place = found.end()
    yield Token("end", "", end)


def shown(text: str) -> str:
    return repr(text.strip()[:40])


class _Reader:
    """Reads conditions from pieces, one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.next
        self.position += 1
        return token

    def skip(self, sign: str) -> bool:
        """Step over ``sign`` if it comes next; tell whether it did."""
        if self.next.kind != "sign" or self.next.text != sign:
            return False
        self.position += 1
        return True

    def expect(self, kind: str, text: str) -> None:
        token = self.next
        if (token.kind, token.text) != (kind, text):
            wanted = repr(text) if text else "the end of the query"
            raise self.wrong(wanted)
        self.position += kind != "end"

    def wrong(self, wanted: str) -> InvalidValue:
        token = self.next
        found = repr(token.text[:40]) if token.text else "its end"
        return InvalidValue(
            f"the query has {found} at character {token.place + 1}, where {wanted} is expected"
        )

    def read_any(self, depth: int) -> Condition:
        parts = [self.read_all(depth)]
        while self.next.is_joint("OR"):
            self.take()
            parts.append(self.read_all(depth))
        return parts[0] if len(parts) == 1 else Group(False, tuple(parts))

    def read_all(self, depth: int) -> Condition:
        parts = [self.read_one(depth)]
        while self.next.is_joint("AND"):
            self.take()
            parts.append(self.read_one(depth))
        return parts[0] if len(parts) == 1 else Group(True, tuple(parts))

    def read_one(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise InvalidValue(f"the query's parentheses are nested deeper than {MAX_DEPTH}")
        if self.skip("("):
            inner = self.read_any(depth + 1)
            self.expect("sign", ")")
            return inner
        if self.next.kind != "word":
            raise self.wrong("a key")
        key = self.take().text
        self.expect("sign", ":")
        self.skip("=")
        return Term(key, self.read_values())

    def read_values(self) -> tuple[str, ...]:
        if not self.skip("("):
            return (self.read_value(),)
        values = [self.read_value()]
        while self.skip(","):
            values.append(self.read_value())
        self.expect("sign", ")")
        return tuple(values)

    def read_value(self) -> str:
        if self.next.kind == "quoted":
            return ESCAPED.sub(r"\1", self.take().text[1:-1])
        if self.next.kind == "word":
            return self.take().text
        raise self.wrong("a value")
