"""Two who register, sign in or take numbers at once."""

import pytest

from slapcore.errors import Conflict
from slapcore.errors import Forbidden
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.project import Role
from slapmaster.domain.registration import register_node
from slapmaster.domain.token import LIFETIME
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose
from tests.factories import make_person


def add_token(digest):
    def change(world):
        act = world.act()
        token = Token(
            TokenPurpose.NODE, world.person.reference, world.project.reference, act.now + LIFETIME
        )
        world.site.tokens.add(digest, token, act.now)

    return change


def redeem(digest):
    return lambda world: world.site.tokens.redeem(digest, TokenPurpose.NODE, world.act().now)


def test_a_token_is_redeemed_once(arena):
    arena.change(add_token("secret"))
    with pytest.raises(Forbidden, match="has been used"):
        arena.race(redeem("secret"), redeem("secret"))


def test_two_tokens_do_not_disturb_one_another(arena):
    for digest in ("one", "two", "three"):
        arena.change(add_token(digest))
    assert arena.race(redeem("one"), redeem("two"), add_token("four")) == [1, 1, 1]


def test_a_node_registered_twice_is_one(arena):
    arena.race(
        lambda world: register_node(world.act(), world.project, "new"),
        lambda world: register_node(world.act(), world.project, "new"),
    )
    assert arena.read(lambda world: len(world.site.nodes)) == 2


def test_an_address_belongs_to_one_person(arena):
    def join(world):
        make_person(world.act(), "eve")

    with pytest.raises(Conflict, match="is taken by another person"):
        arena.race(join, join)


def test_a_role_given_while_another_is_taken_is_known_to_both(arena):
    arena.race(
        lambda world: world.project.give_role(world.person, Role.MANAGER),
        lambda world: world.project.dismiss(world.person),
    )
    assert arena.read(lambda world: world.project.role_of(world.person)) is None


def test_numbers_reserved_at_once_are_different(arena):
    taken = []
    tries = arena.race(
        lambda world: taken.append(world.site.sequences.reserve("COMP", 10)),
        lambda world: taken.append(world.site.sequences.reserve("COMP", 10)),
    )
    assert tries == [1, 2]
    assert not set(taken[0]) & set(taken[2])


def test_certificates_of_different_holders_do_not_disturb_one_another(arena):
    node = arena.read(lambda world: next(iter(world.site.nodes)).reference)
    assert arena.race(
        lambda world: issue_certificate(world.act(), world.person),
        lambda world: issue_certificate(world.act(), world.site.nodes[node]),
    ) == [1, 1]
