"""A built release from one machine's directory to another's, as our own agent does it."""

import logging
import os

import pytest

from slapcore.cache.client import Client
from slapcore.cache.client import Proof
from slapcore.cache.release import Source
from slapcore.cache.release import Target
from slapcore.cache.release import fetch_release
from slapcore.cache.release import offer_release
from slapcore.cache.signing import Signing
from slapcore.cache.trust import Memory
from slapcore.cache.trust import Trust
from slapcore.errors import SlapError
from slapcore.protocol import shadir
from tests.shacache.world import KEY
from tests.shacache.world import URL

NAME = KEY


@pytest.fixture
def place(tmp_path):
    """Where releases lie: the same path on every machine."""
    (tmp_path / "software").mkdir()
    return tmp_path / "software" / NAME


def build(place, text="one"):
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "program").write_text(text)
    (place / ".completed").write_text("now")


def remove(place):
    os.rename(place, place.with_name(f"gone-{os.urandom(4).hex()}"))


def target(source, signer):
    signing = Signing(legacy=signer.legacy, modern=signer.modern)
    return Target(client=source.client, signing=signing)


def trust_of(*signers):
    keys = [each for signer in signers for each in (signer.legacy, signer.modern)]
    return Trust(tuple(key.public_key() for key in keys))


@pytest.fixture
def source(door, alice, tmp_path):
    memory = Memory(tmp_path / "stamps")
    return Source(client=Client.at(door.url), trust=trust_of(alice), memory=memory)


def test_what_one_has_built_another_downloads(door, place, alice, source):
    assert fetch_release(source, URL, place) is None
    build(place)
    sha512 = offer_release(target(source, alice), URL, place, {"report": "all good"})
    remove(place)
    found = fetch_release(source, URL, place)
    assert (found["sha512"], found["report"]) == (sha512, "all good")
    assert (place / "bin" / "program").read_text() == "one"


def test_a_stranger_s_is_refused(door, place, bob, source, caplog):
    build(place)
    offer_release(target(source, bob), URL, place)
    remove(place)
    with caplog.at_level(logging.INFO, "slapcore.cache.release"):
        assert fetch_release(source, URL, place) is None
    assert "nobody trusted has signed it" in caplog.text
    assert not place.exists()


def test_a_tampered_content_is_refused(door, place, alice, source, cache):
    build(place)
    sha512 = offer_release(target(source, alice), URL, place)
    remove(place)
    path = cache.settings.directory / "contents" / cache.store.path(sha512)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    assert fetch_release(source, URL, place) is None
    assert not place.exists()
    cache.store.remove(sha512)
    cache.directory.drop(KEY, lambda record: True)


def test_a_signed_archive_that_reaches_out_is_refused(door, place, alice, source):
    build(place)
    (place / "out").symlink_to("/etc/passwd")
    offer_release(target(source, alice), URL, place)
    remove(place)
    assert fetch_release(source, URL, place) is None
    assert not place.exists()


def test_an_older_one_is_refused_after_a_newer_one(door, place, alice, source, cache):
    build(place, "old")
    offer_release(target(source, alice), URL, place)
    old = cache.directory.records(KEY)
    remove(place)
    build(place, "new")
    offer_release(target(source, alice), URL, place)
    remove(place)
    assert fetch_release(source, URL, place) is not None
    remove(place)
    # Somebody has got at the cache's own files.
    cache.directory.drop(KEY, lambda record: True)
    path = cache.settings.directory / "entries"
    for file in path.glob("*/*.json"):
        file.unlink()
    cache.directory.add(KEY, old[0])
    assert [entry.text for entry in source.client.look_up(KEY)] == [old[0].text]
    assert fetch_release(source, URL, place) is None


def test_a_release_of_another_place_is_not_taken(door, place, alice, source, tmp_path):
    elsewhere = tmp_path / "elsewhere" / NAME
    build(elsewhere)
    offer_release(target(source, alice), URL, elsewhere)
    assert fetch_release(source, URL, place) is None


def test_the_next_entry_is_taken_where_one_is_wrong(door, place, alice, bob, source, cache):
    build(place, "bob's")
    offer_release(target(source, bob), URL, place)
    remove(place)
    build(place, "alice's")
    sha512 = offer_release(target(source, alice), URL, place)
    remove(place)
    path = cache.settings.directory / "contents" / cache.store.path(sha512)
    path.write_bytes(b"damaged")
    both = Source(client=source.client, trust=trust_of(alice, bob))
    assert fetch_release(both, URL, place) is not None
    assert (place / "bin" / "program").read_text() == "bob's"
    cache.store.remove(sha512)
    cache.directory.drop(KEY, lambda record: record.sha512 == sha512)


def test_a_cache_that_is_gone_is_said(place, alice, tmp_path):
    source = Source(client=Client.at("http://127.0.0.1:1"), trust=trust_of(alice))
    with pytest.raises((OSError, SlapError)):
        fetch_release(source, URL, place)


def test_contents_and_entries_may_want_different_proofs(door):
    client = Client(
        door.contents, door.entries, Proof(token="one"), entries_proof=Proof(token="two")
    )
    assert client._credentials(f"{door.contents}/x") == {"Authorization": "Bearer one"}
    assert client._credentials(f"{door.entries}/x") == {"Authorization": "Bearer two"}


def test_keys_are_read_from_files(alice, tmp_path):
    private, certificate = alice.write(tmp_path)
    signing = Signing.read(private, None)
    entry = signing.make_entry(KEY, {"sha512": "0" * 128, "software_url": URL})
    assert Trust.of([certificate.read_bytes()]).covers(KEY, entry)
    for wrong in ((certificate, None), (None, private)):
        with pytest.raises(SlapError, match=r"alice\.(crt is no private|key is no Ed25519) key"):
            Signing.read(*wrong)
    assert shadir.read_stamp(shadir.read_metadata(entry.text)) is None
