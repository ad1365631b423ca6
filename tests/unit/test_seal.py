"""Secrets at rest: opened only by whom they are for."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies

from slapcore import errors
from slapmaster.auth.seal import Seal
from slapmaster.auth.seal import hash_token
from slapmaster.auth.seal import new_token

SEAL = Seal.create()


@given(strategies.binary(), strategies.text(max_size=20))
def test_what_was_sealed_is_opened(plain, purpose):
    purpose = purpose.encode("utf-8", "replace").decode()
    assert SEAL.open(SEAL.seal(plain, purpose=purpose), purpose=purpose) == plain


def test_a_sealed_secret_does_not_show_it_and_is_never_twice_the_same():
    first, second = (SEAL.seal(b"very secret", purpose="test") for _ in range(2))
    assert b"secret" not in first
    assert first != second


def test_another_purpose_does_not_open():
    sealed = SEAL.seal(b"secret", purpose="key of SOFTINST-1")
    with pytest.raises(errors.SlapError, match="not one for key of SOFTINST-2"):
        SEAL.open(sealed, purpose="key of SOFTINST-2")


@given(strategies.data())
def test_no_changed_byte_opens(data):
    sealed = bytearray(SEAL.seal(b"secret", purpose="test"))
    place = data.draw(strategies.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(strategies.integers(1, 255))
    with pytest.raises(errors.SlapError):
        SEAL.open(bytes(sealed), purpose="test")


@given(strategies.binary(max_size=100))
def test_junk_does_not_open(junk):
    with pytest.raises(errors.SlapError):
        SEAL.open(junk, purpose="test")


def test_after_a_rotation_the_old_opens_and_the_new_seals():
    old = Seal.create()
    sealed = old.seal(b"secret", purpose="test")
    both = old.rotated()
    assert both.open(sealed, purpose="test") == b"secret"
    assert not both.is_current(sealed)
    again = both.seal(b"secret", purpose="test")
    assert both.is_current(again)
    with pytest.raises(errors.ConfigurationError, match="not known"):
        old.open(again, purpose="test")


def test_a_saved_seal_goes_on():
    both = Seal.create().rotated()
    again = Seal.load(both.dump())
    assert again.dump() == both.dump()
    assert again.open(both.seal(b"secret", purpose="test"), purpose="test") == b"secret"


@pytest.mark.parametrize("text", [b"", b"\n", b"short", b"!!!!", b"YWJj\n"])
def test_a_key_file_that_is_none_is_a_configuration_error(text):
    with pytest.raises(errors.ConfigurationError):
        Seal.load(text)


def test_tokens_differ_and_are_long_and_fit_everywhere():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_-]{46}", token) for token in tokens)


def test_a_token_is_known_by_its_hash_only():
    assert hash_token("token") == hashlib.sha256(b"token").hexdigest()


def test_a_token_that_is_no_text_is_hashed_too():
    assert hash_token("\udcff") != hash_token("?")
