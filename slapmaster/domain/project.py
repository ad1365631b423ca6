"""Project: a virtual master of its own; everything technical belongs to exactly one."""

from enum import StrEnum

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapmaster.domain.container import Container
from slapmaster.domain.feed import Feed
from slapmaster.domain.person import Person
from slapmaster.domain.person import Quota


class Role(StrEnum):
    """What a member may do in a project: request; run its nodes; manage it all."""

    CUSTOMER = "customer"
    AGENT = "agent"
    MANAGER = "manager"


class Project(Persistent):
    """A virtual master.  ``members`` maps a person's reference to a :class:`Role`.

    With ``any_release`` a node takes releases that were not supplied to it, and with
    ``open_hosts`` a shared instance may live in anybody's instance: the rules of one person
    on one machine.  Both are said when the project is made, and stay.  ``feed`` is what happened
    in it, once anything has.

    ``policy`` names the allocation policy that chooses among places, ``supplies`` are the
    references of the project's allocation supplies, ``weights`` say what an instance of a type of
    a product takes of a node's capacity where that is not 1, and ``categories`` are the values
    that may be demanded besides those that everybody knows.
    """

    any_release = False
    open_hosts = False
    policy = ""
    supplies: tuple[str, ...] = ()
    weights: tuple[tuple[str, str, int], ...] = ()
    categories: tuple[tuple[str, str], ...] = ()
    feed: Feed | None = None
    quota = Quota()

    def __init__(self, reference: str, title: str) -> None:
        self.reference = reference
        self.title = title
        self.members = OOBTree()

    def role_of(self, person: Person) -> Role | None:
        return self.members.get(person.reference)  # type: ignore[no-any-return]

    def give_role(self, person: Person, role: Role) -> bool:
        """Make ``person`` a member in ``role``; tell whether that changed anything."""
        if self.members.get(person.reference) == role:
            return False
        self.members[person.reference] = role
        person.projects.insert(self.reference)
        return True

    def dismiss(self, person: Person) -> bool:
        """End the membership of ``person``; tell whether there was one."""
        if self.members.pop(person.reference, None) is None:
            return False
        person.projects.remove(self.reference)
        return True


class Projects(Container[Project]):
    """All projects."""

    kind = "project"
    unique = {"title": lambda project: project.title}
