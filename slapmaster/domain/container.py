"""Container: members by reference, and their indexes.

Indexed attributes change only through :meth:`Container.change`, so an index never lags behind.
"""

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Generic
from typing import TypeVar

from BTrees.Length import Length
from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapcore.errors import Conflict
from slapcore.errors import NotFound

Member = TypeVar("Member")
Key = Callable[[Any], Hashable]


class Container(Persistent, Generic[Member]):
    """Members by reference.

    ``kind`` names a member in errors.  ``unique`` and ``many`` name the indexes and how a
    member's key is computed; a key of ``None`` keeps the member out of that index.
    """

    kind: ClassVar[str] = "object"
    unique: ClassVar[Mapping[str, Key]] = {}
    many: ClassVar[Mapping[str, Key]] = {}

    def __init__(self) -> None:
        self.members = OOBTree()
        self.count = Length()
        self.indexes = OOBTree({name: OOBTree() for name in (*self.unique, *self.many)})

    def __len__(self) -> int:
        return self.count()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members.values())

    def __contains__(self, reference: str) -> bool:
        return reference in self.members

    def __getitem__(self, reference: str) -> Member:
        member = self.members.get(reference)
        if member is None:
            raise NotFound(f"no {self.kind} {reference!r}")
        return member  # type: ignore[no-any-return]

    def find(self, reference: str) -> Member | None:
        return self.members.get(reference)  # type: ignore[no-any-return]

    def find_by(self, index: str, key: Hashable) -> Member | None:
        """Look a member up in a unique index."""
        return self.indexes[index].get(key)  # type: ignore[no-any-return]

    def all_by(self, index: str, key: Hashable) -> Iterator[Member]:
        """Walk the members that share ``key``, by reference."""
        return (self.members[reference] for reference in self.indexes[index].get(key, ()))

    def range_by(self, index: str, *prefix: str) -> Iterator[Member]:
        """Walk the members whose unique key, a tuple, begins with ``prefix``."""
        last = (*prefix[:-1], prefix[-1] + "\0")
        return iter(self.indexes[index].values(prefix, last, excludemax=True))

    def add(self, member: Member) -> None:
        """Take ``member`` in; raises ``Conflict`` when its reference or a unique key is taken."""
        reference = member.reference  # type: ignore[attr-defined]
        if reference in self.members:
            raise Conflict(f"there is a {self.kind} {reference} already")
        self._index(member)
        self.members[reference] = member
        self.count.change(1)

    def remove(self, member: Member) -> None:
        self._unindex(member)
        del self.members[member.reference]  # type: ignore[attr-defined]
        self.count.change(-1)

    def change(self, member: Member, **values: object) -> None:
        """Set attributes of ``member`` and keep the indexes right.

        Raises ``Conflict``, and leaves all as it was, when a unique key is taken.
        """
        old = {name: getattr(member, name) for name in values}
        self._unindex(member)
        try:
            self._set(member, values)
            self._index(member)
        except Conflict:
            self._set(member, old)
            self._index(member)
            raise

    @staticmethod
    def _set(member: Member, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            setattr(member, name, value)

    def _index(self, member: Member) -> None:
        keys = {name: key(member) for name, key in self.unique.items()}
        for name, key in keys.items():
            if key is not None and key in self.indexes[name]:
                raise Conflict(f"{name} {describe(key)!r} is taken by another {self.kind}")
        for name, key in keys.items():
            if key is not None:
                self.indexes[name][key] = member
        for name, key_of in self.many.items():
            key = key_of(member)
            if key is not None:
                add_to_set(self.indexes[name], key, member.reference)  # type: ignore[attr-defined]

    def _unindex(self, member: Member) -> None:
        for name, key_of in self.unique.items():
            key = key_of(member)
            if key is not None:
                del self.indexes[name][key]
        for name, key_of in self.many.items():
            key = key_of(member)
            if key is not None:
                self.indexes[name][key].remove(member.reference)  # type: ignore[attr-defined]


def describe(key: Hashable) -> str:
    """Say a key as a person would: the last part of a compound one."""
    return str(key[-1] if isinstance(key, tuple) else key)


def add_to_set(index: OOBTree, key: Hashable, value: Hashable) -> None:
    members = index.get(key)
    if members is None:
        members = index[key] = OOTreeSet()
    members.insert(value)


def remove_from_set(index: OOBTree, key: Hashable, value: Hashable) -> None:
    members = index.get(key)
    if members is not None and value in members:
        members.remove(value)
