"""The attributes of what a master answers, read by name and kind.

What is missing reads as nothing; what is of another kind is a ``ProtocolError`` that names it.
"""

import re
from collections.abc import Iterator
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from slapcore.errors import ProtocolError
from slapcore.protocol.xml import shorten

#: Microseconds of a time in seconds.
SECOND = 1_000_000
MOMENT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
MOMENT_LENGTH = 40


class Attributes:
    """The attributes of one document; what is missing is nothing, what is wrong is an error."""

    def __init__(self, attributes: Mapping[Any, Any], where: str) -> None:
        self.attributes = attributes
        self.where = where

    def says(self, name: str) -> bool:
        return self.attributes.get(name) is not None

    def read_text(self, name: str, default: str = "") -> str:
        value = self.attributes.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(name, f"is a {type(value).__name__}, not text")
        return value

    def read_word(self, name: str, known: frozenset[str], default: str = "") -> str:
        value = self.read_text(name, default)
        if value not in known:
            raise self.wrong(name, f"is {shorten(value)!r}, not one of {', '.join(sorted(known))}")
        return value

    def read_list(self, name: str) -> list[Any]:
        value = self.attributes.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self.wrong(name, f"is a {type(value).__name__}, not a list")
        return list(value)

    def read_mapping(self, name: str) -> dict[Any, Any]:
        value = self.attributes.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(name, f"is a {type(value).__name__}, not a dictionary")
        return value

    def read_texts(self, name: str) -> dict[str, str]:
        return as_texts(self.read_mapping(name))

    def read_pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        return tuple((row[0], row[1]) for row in self._read_rows(name, 2))

    def read_routes(self, name: str) -> tuple[tuple[str, str, str, str, str], ...]:
        return tuple((row[0], row[1], row[2], row[3], row[4]) for row in self._read_rows(name, 5))

    def _read_rows(self, name: str, length: int) -> list[list[str]]:
        rows = [list(row) for row in self.read_list(name) if isinstance(row, list | tuple)]
        if len(rows) != len(self.read_list(name)) or any(len(row) != length for row in rows):
            raise self.wrong(name, f"is no list of {length} words each")
        return [["" if word is None else str(word) for word in row] for row in rows]

    def read_moment(self, name: str) -> int:
        """Read a time, in microseconds; a time with a fraction is in seconds."""
        value = self.attributes.get(name)
        if value is None:
            return 0
        text = str(value)
        if len(text) > MOMENT_LENGTH or not MOMENT.fullmatch(text):
            raise self.wrong(name, f"is {shorten(text)!r}, not a time")
        return int(Decimal(text) * SECOND) if "." in text else int(text)

    def wrong(self, name: str, fault: str) -> ProtocolError:
        return ProtocolError(f"{name} of {self.where} {fault}")

    def read_flag(self, name: str) -> bool:
        """Read a truth; some masters say 1 and 0."""
        value = self.attributes.get(name)
        if value not in (None, True, False):
            raise self.wrong(name, f"is a {type(value).__name__}, not a truth")
        return bool(value)

    def read_number(self, name: str) -> int:
        value = self.attributes.get(name)
        if value is None:
            return 0
        if not isinstance(value, int):
            raise self.wrong(name, f"is a {type(value).__name__}, not a number")
        return value

    def read_each(self, name: str) -> "Iterator[Attributes]":
        """Walk a list of dictionaries."""
        for index, member in enumerate(self.read_list(name)):
            if not isinstance(member, dict):
                raise self.wrong(f"{name}[{index}]", f"is a {type(member).__name__}, no dictionary")
            yield Attributes(member, f"{name}[{index}] of {self.where}")

    def read_part(self, name: str) -> "Attributes":
        """Read a dictionary as attributes of their own."""
        return Attributes(self.read_mapping(name), f"{name} of {self.where}")


def as_texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """Make texts of parameters; SlapProxy reads an empty one as nothing."""
    return {str(key): "" if value is None else str(value) for key, value in values.items()}
