"""A person is known by an address, whatever its case."""

import pytest

from slapcore.errors import Conflict
from slapmaster.domain.person import Person
from slapmaster.domain.person import Persons


def test_an_address_is_the_same_in_any_case():
    persons = Persons()
    persons.add(Person("PERS-1", "Ada", "Ada@Example.org"))
    assert persons.find_by("email", "ada@example.org").name == "Ada"
    with pytest.raises(Conflict, match=r"email 'ada@example.org' is taken by another person"):
        persons.add(Person("PERS-2", "Eve", "ada@example.ORG"))
