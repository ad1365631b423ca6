"""A kind of thing that can be searched for: how it is found, who may, and what a row can show."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.request import Request

from slapmaster.auth.permissions import Subject
from slapmaster.auth.permissions import is_allowed

#: What a row shows of one thing.
Column = Callable[[Request, Any], object]
#: Keys that must have a certain value; a finder may use them to look at less.
Exact = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """``find`` walks what the asker may have a right to see, ``about`` is asked whether so."""

    portal_type: str
    find: Callable[[Request, Exact], Iterable[Any]]
    about: Callable[[Request, Any], Subject]
    permission: str
    columns: Mapping[str, Column]

    def walk_visible(self, request: Request, exact: Exact) -> Iterator[Any]:
        for found in self.find(request, exact):
            if is_allowed(request.asker, self.permission, self.about(request, found)):
                yield found

    def value_of(self, request: Request, member: object, name: str) -> object:
        """Give a column of ``member``; what other kinds only have is ``None`` here."""
        column = self.columns.get(name)
        return column(request, member) if column is not None else None


def common_columns(portal_type: str, path_of: Callable[[Any], str]) -> dict[str, Column]:
    """Give the columns that every kind has."""
    return {
        "uid": lambda _, member: member.reference,
        "reference": lambda _, member: member.reference,
        "relative_url": lambda _, member: path_of(member),
        "portal_type": lambda _, member: portal_type,
        "validation_state": lambda _, member: "validated",
    }
