"""Whose entries a client takes, and that none takes the place of a newer one."""

import time

import pytest

from slapcore.cache.trust import Memory
from slapcore.cache.trust import Trust
from slapcore.cache.trust import read_public_key
from slapcore.errors import InvalidValue
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from tests.shacache.world import KEY
from tests.shacache.world import Signer
from tests.shacache.world import about

DATA = b"what was built"
NOW = time.time_ns() // 1000


@pytest.fixture(scope="module")
def alice():
    return Signer("alice")


@pytest.fixture(scope="module")
def bob():
    return Signer("bob")


def both(*signers):
    keys = [each for signer in signers for each in (signer.legacy, signer.modern)]
    return Trust(tuple(key.public_key() for key in keys))


def mark_of(entry):
    return shadir.read_stamp(shadir.read_metadata(entry.text))


def test_a_trusted_signature_of_either_kind_counts(alice):
    signed, stamped = alice.sign(about(DATA)), alice.sign(about(DATA), KEY)
    assert both(alice).covers(KEY, signed)
    assert both(alice).covers(KEY, stamped)
    assert Trust((alice.modern.public_key(),)).covers(KEY, Entry(stamped.text, ""))


def test_nobody_else_s_counts(alice, bob):
    for entry in (alice.sign(about(DATA)), alice.sign(about(DATA), KEY)):
        assert not both(bob).covers(KEY, entry)
        assert not Trust().covers(KEY, entry)


def test_a_stamp_that_is_there_is_demanded_whoever_has_signed(alice, bob):
    forged = bob.sign(about(DATA), KEY)
    signed = shadir.make_entry(shadir.read_metadata(forged.text), alice.legacy)
    assert not both(alice).covers(KEY, signed)
    assert Trust((alice.legacy.public_key(),)).covers(KEY, signed)


def test_an_entry_for_another_key_does_not_count(alice):
    url = "http://example.com/other.cfg"
    other = alice.sign(about(DATA, software_url=url), shadir.release_key(url))
    assert both(alice).covers(shadir.release_key(url), other)
    assert not both(alice).covers(KEY, other)
    free = alice.sign({"sha512": about(DATA)["sha512"]}, "one")
    assert not both(alice).covers("two", free)


def test_a_stamp_of_the_future_does_not_count(alice):
    assert not both(alice).covers(KEY, alice.sign(about(DATA), KEY, NOW + 3_600_000_000))


@pytest.mark.parametrize("text", ["", "[]", '{"sha512": 1}', '{"sha512": "x"}', "\0"])
def test_junk_does_not_count(text, alice):
    assert not both(alice).covers(KEY, Entry(text, "x"))


def test_an_older_entry_is_refused_after_a_newer_one(alice, tmp_path):
    memory = Memory(tmp_path / "stamps")
    old, new = (alice.sign(about(DATA), KEY, NOW + at) for at in (1, 2))
    assert not memory.refuses(KEY, mark_of(old), both(alice))
    memory.note(KEY, mark_of(new))
    memory = Memory(tmp_path / "stamps")
    assert memory.refuses(KEY, mark_of(old), both(alice))
    assert not memory.refuses(KEY, mark_of(new), both(alice))
    assert not memory.refuses("another", mark_of(old), both(alice))


def test_an_unstamped_entry_is_refused_after_a_stamped_one(alice, tmp_path):
    memory = Memory(tmp_path / "stamps")
    memory.note(KEY, None)
    assert not memory.refuses(KEY, None, both(alice))
    memory.note(KEY, mark_of(alice.sign(about(DATA), KEY)))
    assert memory.refuses(KEY, None, both(alice))


def test_a_signer_no_longer_trusted_holds_nothing_up(alice, bob, tmp_path):
    memory = Memory(tmp_path / "stamps")
    memory.note(KEY, mark_of(alice.sign(about(DATA), KEY, NOW + 2)))
    old = mark_of(bob.sign(about(DATA), KEY, NOW + 1))
    assert memory.refuses(KEY, old, both(alice, bob))
    assert not memory.refuses(KEY, old, both(bob))


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_damaged_memory_is_said(text, alice, tmp_path):
    memory = Memory(tmp_path / "stamps")
    memory.note(KEY, mark_of(alice.sign(about(DATA), KEY)))
    (path,) = (tmp_path / "stamps").iterdir()
    path.write_text(text)
    with pytest.raises(InvalidValue, match="is damaged"):
        memory.refuses(KEY, None, Trust())


def test_certificates_and_keys_are_read(alice):
    public, until = read_public_key(alice.certificate(days=2))
    assert shadir.key_id(public) == shadir.key_id(alice.legacy.public_key())
    assert until > time.time()
    assert Trust.of([alice.certificate()]).ids == {shadir.key_id(public)}
    with pytest.raises(InvalidValue, match="neither a certificate nor"):
        Trust.of([b"junk"])
