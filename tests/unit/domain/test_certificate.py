"""A holder is known by what has not expired."""

from slapmaster.domain.certificate import NewCertificate
from slapmaster.domain.certificate import active_certificates
from slapmaster.domain.certificate import hold
from tests.factories import World


def new(serial, not_after):
    return NewCertificate(serial, f"sha256:{serial}", not_after, "PEM", "key")


def test_what_has_expired_is_forgotten_when_a_new_one_is_held():
    person = World.make().person
    hold(person, new("1", not_after=10), now=1)
    hold(person, new("2", not_after=20), now=5)
    assert [held.serial for held in active_certificates(person, now=5)] == ["1", "2"]
    assert [held.serial for held in active_certificates(person, now=10)] == ["2"]
    hold(person, new("3", not_after=30), now=10)
    assert [held.serial for held in person.certificates] == ["2", "3"]
