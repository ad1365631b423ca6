"""Person: somebody who requests, owns nodes or operates the master."""

from dataclasses import dataclass

from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapmaster.domain.certificate import Certificate
from slapmaster.domain.container import Container


@dataclass(frozen=True, slots=True)
class Quota:
    """How much somebody may have, or all in a project together; 0 is no limit.

    ``requests`` is how many instances may be requested in a second.
    """

    instances: int = 0
    partitions: int = 0
    requests: int = 0

    @property
    def counts(self) -> bool:
        """Tell whether what there is has to be counted."""
        return bool(self.instances or self.partitions)

    def in_words(self) -> str:
        return f"{self.instances} instances, {self.partitions} partitions, {self.requests}/s"


class Person(Persistent):
    """Somebody; ``projects`` are the references of the projects they are a member of."""

    operator = False
    certificates: tuple[Certificate, ...] = ()
    quota = Quota()

    def __init__(self, reference: str, name: str, email: str) -> None:
        self.reference = reference
        self.name = name
        self.email = email
        self.projects = OOTreeSet()


class Persons(Container[Person]):
    """All persons; an e-mail address belongs to one."""

    kind = "person"
    unique = {"email": lambda person: person.email.lower()}
