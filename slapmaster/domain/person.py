"""Person: somebody who requests, owns nodes or operates the master."""

from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapmaster.domain.certificate import Certificate
from slapmaster.domain.container import Container


class Person(Persistent):
    """Somebody; ``projects`` are the references of the projects they are a member of."""

    operator = False
    certificates: tuple[Certificate, ...] = ()

    def __init__(self, reference: str, name: str, email: str) -> None:
        self.reference = reference
        self.name = name
        self.email = email
        self.projects = OOTreeSet()


class Persons(Container[Person]):
    """All persons; an e-mail address belongs to one."""

    kind = "person"
    unique = {"email": lambda person: person.email.lower()}
