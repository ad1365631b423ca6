"""A token does one thing, once, for a day."""

import pytest

from slapcore.errors import Forbidden
from slapmaster.domain.token import FORGOTTEN_AT_ONCE
from slapmaster.domain.token import LIFETIME
from slapmaster.domain.token import REMEMBERED
from slapmaster.domain.token import Token
from slapmaster.domain.token import TokenPurpose
from slapmaster.domain.token import Tokens


def token(expires=LIFETIME):
    return Token(TokenPurpose.NODE, "PERS-1", "PROJ-1", expires)


@pytest.fixture
def tokens():
    made = Tokens()
    made.add("digest", token(), now=0)
    return made


def test_a_token_says_what_it_allows(tokens):
    redeemed = tokens.redeem("digest", TokenPurpose.NODE, now=5)
    assert (redeemed.person, redeemed.project, redeemed.used) == ("PERS-1", "PROJ-1", 5)


@pytest.mark.parametrize(
    ("digest", "purpose", "now", "fault"),
    [
        ("other", TokenPurpose.NODE, 5, "not valid here"),
        ("digest", TokenPurpose.CLIENT, 5, "not valid here"),
        ("digest", TokenPurpose.NODE, LIFETIME, "has expired"),
    ],
)
def test_what_is_not_allowed_says_why(tokens, digest, purpose, now, fault):
    with pytest.raises(Forbidden, match=fault):
        tokens.redeem(digest, purpose, now=now)


def test_a_token_is_used_once(tokens):
    tokens.redeem("digest", TokenPurpose.NODE, now=5)
    with pytest.raises(Forbidden, match="has been used"):
        tokens.redeem("digest", TokenPurpose.NODE, now=6)


def test_an_expired_token_is_remembered_for_a_week(tokens):
    tokens.add("next", token(REMEMBERED + LIFETIME), now=REMEMBERED + LIFETIME)
    with pytest.raises(Forbidden, match="has expired"):
        tokens.redeem("digest", TokenPurpose.NODE, now=REMEMBERED + LIFETIME)
    tokens.add("later", token(3 * REMEMBERED), now=REMEMBERED + LIFETIME + 1)
    assert list(tokens.by_hash) == ["later", "next"]
    assert len(tokens.by_end) == 2


def test_few_are_forgotten_at_once(tokens):
    for number in range(30):
        tokens.add(f"old{number}", token(), now=0)
    tokens.add("new", token(3 * REMEMBERED), now=2 * REMEMBERED)
    assert len(tokens.by_hash) == 32 - FORGOTTEN_AT_ONCE
