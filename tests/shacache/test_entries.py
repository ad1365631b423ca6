"""Entries through the door: who may put which, what readers see, and in which order."""

import json
import time

import pytest

from shacache.directory import ENTRIES_AT_MOST
from shacache.upload import Account
from slapcore.protocol import shadir
from slapcore.protocol.shadir import Entry
from tests.shacache.world import KEY
from tests.shacache.world import URL
from tests.shacache.world import Signer
from tests.shacache.world import about
from tests.shacache.world import make_cache
from tests.shacache.world import serving
from tests.shacache.world import sum_of

ONE, TWO, THREE = b"one", b"two", b"three"
FOR_DEBIAN = "@multiarch=x86_64-linux-gnu,os=debian-12/"


@pytest.fixture
def filled(door):
    """A cache with three contents and no entry."""
    for data in (ONE, TWO, THREE):
        assert door.post(data).status_code == 201
    return door


def test_an_entry_is_found_under_its_key_as_it_was_put(filled, alice):
    entry = alice.sign(about(ONE))
    assert filled.put_entry(KEY, entry).status_code == 201
    assert filled.look_up(KEY) == [[entry.text, entry.signature]]


def test_the_same_entry_twice_is_there_once(filled, alice):
    entry = alice.sign(about(ONE))
    for _ in range(2):
        assert filled.put_entry(KEY, entry).status_code == 201
    assert len(filled.look_up(KEY)) == 1


def test_an_answer_that_has_not_changed_is_not_sent_again(filled, alice):
    filled.put_entry(KEY, alice.sign(about(ONE)))
    mark = filled.ask("GET", f"/shadir/{KEY}").headers["ETag"]
    assert filled.ask("GET", f"/shadir/{KEY}", If_None_Match=mark).status_code == 304
    filled.put_entry(KEY, alice.sign(about(TWO, system="11")))
    assert filled.ask("GET", f"/shadir/{KEY}", If_None_Match=mark).status_code == 200


def test_head_tells_whether_there_is_an_entry(filled, alice):
    assert filled.ask("HEAD", f"/shadir/{KEY}").status_code == 404
    filled.put_entry(KEY, alice.sign(about(ONE)))
    assert filled.ask("HEAD", f"/shadir/{KEY}").status_code == 200


def test_entries_for_other_machines_are_kept_and_the_newest_comes_first(filled, alice):
    filled.put_entry(KEY, alice.sign(about(ONE, system="11")))
    filled.put_entry(KEY, alice.sign(about(TWO, system="12")))
    assert filled.sums(KEY) == [sum_of(TWO), sum_of(ONE)]


def test_a_newer_entry_for_the_same_machine_takes_the_place_of_the_older(filled, alice):
    filled.put_entry(KEY, alice.sign(about(ONE, system="12.4")))
    filled.put_entry(KEY, alice.sign(about(TWO, system="12.5")))
    assert filled.sums(KEY) == [sum_of(TWO)]


def test_nobody_s_entry_takes_the_place_of_another_signer_s(filled, alice, bob):
    filled.put_entry(KEY, alice.sign(about(ONE)))
    filled.put_entry(KEY, bob.sign(about(TWO)))
    assert filled.sums(KEY) == [sum_of(TWO), sum_of(ONE)]


def test_what_differs_in_any_member_but_the_sum_is_another_entry(filled, alice):
    key = "git-buildout-0123"
    for data, revision in ((ONE, "a"), (TWO, "b"), (THREE, "a")):
        metadata = {"sha512": sum_of(data), "revision": revision}
        assert filled.put_entry(key, alice.sign(metadata)).status_code == 201
    assert filled.sums(key) == [sum_of(THREE), sum_of(TWO)]


def test_a_reader_is_shown_what_fits_what_it_says_of_itself(filled, alice, bob):
    filled.put_entry(KEY, alice.sign(about(ONE, system="11")))
    filled.put_entry(KEY, alice.sign(about(TWO, system="12.7")))
    filled.put_entry(KEY, bob.sign(about(THREE, multiarch="aarch64-linux-gnu")))
    assert filled.sums(KEY, FOR_DEBIAN) == [sum_of(TWO)]
    assert filled.sums(KEY, "@multiarch=aarch64-linux-gnu/") == [sum_of(THREE)]
    assert filled.sums(KEY, "@signer=alice/") == [sum_of(TWO), sum_of(ONE)]
    assert filled.sums(KEY, "@signer=alice,signer=bob/")[0] == sum_of(THREE)
    assert filled.sums(KEY, "@os=ubuntu-22.04/") == []
    assert filled.sums(f"{KEY}?signer=bob") == [sum_of(THREE)]
    assert filled.ask("GET", f"/shadir/@shoe=44/{KEY}").status_code == 400


def test_an_entry_without_its_content_is_refused(filled, alice):
    answer = filled.put_entry(KEY, alice.sign(about(b"nowhere")))
    assert (answer.status_code, "put it first" in answer.text) == (409, True)
    assert not filled.look_up(KEY)


def test_an_entry_is_shown_only_while_its_content_is_here(filled, alice):
    filled.put_entry(KEY, alice.sign(about(ONE)))
    filled.cache.store.remove(sum_of(ONE))
    assert not filled.look_up(KEY)
    filled.post(ONE)
    assert filled.sums(KEY) == [sum_of(ONE)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"{}",
        b'["one"]',
        b'["{}", ""]',
        b'["[]", "x"]',
        b'[1, "x"]',
        b'["{\\"sha512\\": \\"short\\"}", ""]',
        b"[" * 50_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_entry_is_refused(filled, body):
    assert filled.put_entry(KEY, body).status_code == 400
    assert not filled.look_up(KEY)


def test_ten_megabytes_of_metadata_are_refused(filled, alice):
    entry = alice.sign(about(ONE, junk="x" * 10_000_000))
    assert filled.put_entry(KEY, entry).status_code == 413
    assert not filled.look_up(KEY)


@pytest.mark.parametrize("key", [".hidden", "a%00b", "a%20b", "%2e%2e%2fx", "x" * 300, "ä"])
def test_a_key_that_leads_elsewhere_is_refused(filled, alice, key):
    entry = alice.sign({"sha512": sum_of(ONE)})
    assert filled.put_entry(key, entry).status_code in (400, 404)
    assert filled.ask("GET", f"/shadir/{key}").status_code in (400, 404)


@pytest.mark.parametrize(
    "key", ["0" * 32, f"file-urlmd5:{KEY}", "pypi:foo=1.0"], ids=["release", "file", "package"]
)
def test_an_entry_is_refused_under_a_key_that_it_is_not_of(filled, alice, key):
    """The attack on the legacy cache: an old signed entry is put under another's key."""
    entry = alice.sign(about(ONE))
    assert filled.put_entry(KEY, entry).status_code == 201
    assert filled.put_entry(key, entry).status_code == 400
    assert not filled.look_up(key)


def test_a_stamped_entry_is_refused_under_any_other_key(filled, alice):
    entry = alice.sign({"sha512": sum_of(ONE)}, key="one-key")
    assert filled.put_entry("one-key", entry).status_code == 201
    assert filled.put_entry("another-key", entry).status_code == 403
    assert not filled.look_up("another-key")


def test_an_entry_that_another_took_the_place_of_can_not_come_back(filled, alice):
    old, new = alice.sign(about(ONE)), alice.sign(about(TWO))
    filled.put_entry(KEY, old)
    filled.put_entry(KEY, new)
    assert filled.put_entry(KEY, old).status_code == 409
    assert filled.sums(KEY) == [sum_of(TWO)]


def test_a_stamp_that_is_older_than_the_one_in_its_place_is_refused(filled, alice):
    now = time.time_ns() // 1000
    filled.put_entry(KEY, alice.sign(about(TWO), KEY, now))
    assert filled.put_entry(KEY, alice.sign(about(ONE), KEY, now - 1)).status_code == 409
    assert filled.put_entry(KEY, alice.sign(about(ONE))).status_code == 409
    assert filled.put_entry(KEY, alice.sign(about(ONE), KEY, now + 1)).status_code == 201
    assert filled.sums(KEY) == [sum_of(ONE)]


def test_a_stamp_from_the_future_is_refused(filled, alice):
    tomorrow = time.time_ns() // 1000 + 86_400_000_000
    assert filled.put_entry(KEY, alice.sign(about(ONE), KEY, tomorrow)).status_code == 400


def test_a_stamp_alone_is_a_signature(filled, alice):
    stamped = shadir.stamp(about(ONE), KEY, time.time_ns() // 1000, alice.modern)
    assert filled.put_entry(KEY, shadir.make_entry(stamped, None)).status_code == 201
    assert filled.sums(KEY) == [sum_of(ONE)]


def test_what_is_signed_by_one_and_stamped_by_another_is_refused(filled, alice, bob):
    stamped = shadir.stamp(about(ONE), KEY, time.time_ns() // 1000, bob.modern)
    assert filled.put_entry(KEY, shadir.make_entry(stamped, alice.legacy)).status_code == 403


def test_a_changed_entry_is_refused(filled, alice):
    entry = alice.sign(about(ONE))
    text = entry.text.replace(sum_of(ONE), sum_of(TWO))
    assert filled.put_entry(KEY, Entry(text, entry.signature)).status_code == 403
    metadata = json.loads(alice.sign(about(ONE), KEY).text)
    metadata["sha512"] = sum_of(TWO)
    assert filled.put_entry(KEY, shadir.make_entry(metadata, alice.legacy)).status_code == 403
    assert not filled.look_up(KEY)


def test_a_stranger_s_and_an_unsigned_entry_are_refused(filled, mallory):
    assert filled.put_entry(KEY, mallory.sign(about(ONE))).status_code == 403
    assert filled.put_entry(KEY, mallory.sign(about(ONE), KEY)).status_code == 403
    assert filled.put_entry(KEY, shadir.make_entry(about(ONE), None)).status_code == 403
    assert not filled.look_up(KEY)


def test_where_strangers_are_allowed_trusted_entries_still_come_first(folder, alice, mallory):
    cache = make_cache(folder, unsigned=True, foreign=True)
    alice.register(cache)
    with serving(cache) as door:
        for data in (ONE, TWO, THREE):
            door.post(data)
        assert door.put_entry(KEY, alice.sign(about(ONE))).status_code == 201
        assert door.put_entry(KEY, mallory.sign(about(TWO))).status_code == 201
        assert door.put_entry(KEY, shadir.make_entry(about(THREE), None)).status_code == 201
        assert door.sums(KEY) == [sum_of(ONE), sum_of(THREE), sum_of(TWO)]


def test_strangers_can_not_drive_a_trusted_entry_out(folder, alice, mallory):
    cache = make_cache(folder, foreign=True)
    alice.register(cache)
    account = Account(name="x")
    receipt = cache.store.receive(100)
    receipt.write(ONE)
    cache.keep(receipt)
    cache.put_entry(KEY, shadir.write_entry(alice.sign(about(ONE))), account)
    for number in range(ENTRIES_AT_MOST + 5):
        entry = mallory.sign(about(ONE, number=number))
        cache.put_entry(KEY, shadir.write_entry(entry), account)
    records = cache.directory.records(KEY)
    assert (len(records), records[0].signer) == (ENTRIES_AT_MOST, "alice")
    cache.close()


def test_a_revoked_key_s_entries_are_gone_at_the_next_lookup(filled, alice, bob):
    filled.put_entry(KEY, alice.sign(about(ONE)))
    filled.put_entry(KEY, bob.sign(about(TWO)))
    filled.cache.signers.revoke("bob")
    assert filled.sums(KEY) == [sum_of(ONE)]
    assert filled.put_entry(KEY, bob.sign(about(THREE))).status_code == 403


def test_what_a_key_has_signed_before_its_end_stays_good_and_nothing_new_is(folder):
    carol = Signer("carol")
    cache = make_cache(folder)
    carol.register(cache, until=time.time() + 1.0)
    with serving(cache) as door:
        door.post(ONE)
        assert door.put_entry(KEY, carol.sign(about(ONE))).status_code == 201
        time.sleep(1.1)
        assert door.put_entry(KEY, carol.sign(about(ONE, system="11"))).status_code == 403
        assert door.sums(KEY) == [sum_of(ONE)]


def test_two_keys_of_one_signer_are_good_at_the_same_time(filled, alice):
    newer = Signer("alice")
    newer.register(filled.cache)
    filled.put_entry(KEY, alice.sign(about(ONE)))
    assert filled.put_entry(KEY, newer.sign(about(TWO))).status_code == 201
    assert filled.sums(KEY) == [sum_of(TWO)]


@pytest.mark.parametrize(
    "word", [f"sha512:{sum_of(ONE)}", "url:http://example.com/", "signer:alice"]
)
def test_what_is_blacklisted_is_neither_shown_nor_taken(filled, alice, word):
    filled.put_entry(KEY, alice.sign(about(ONE)))
    filled.cache.blacklist.add(word, "it is broken")
    assert not filled.look_up(KEY)
    assert filled.put_entry(KEY, alice.sign(about(ONE, system="11"))).status_code == 403
    if word.startswith("sha512:"):
        answer = filled.get(sum_of(ONE))
        assert (answer.status_code, "it is broken" in answer.text) == (404, True)
        assert filled.post(ONE).status_code == 403
    filled.cache.blacklist.remove(word)
    assert filled.sums(KEY) == [sum_of(ONE)]


def test_the_other_kinds_of_keys_work_too(filled, alice):
    metadata = {"sha512": sum_of(ONE), "url": URL}
    assert filled.put_entry(shadir.file_key(URL), alice.sign(metadata)).status_code == 201
    metadata = {"sha512": sum_of(TWO), "basename": "slapos.core-1.26.1.tar.gz"}
    key = shadir.package_key("slapos.core", "1.26.1")
    assert filled.put_entry(key, alice.sign(metadata)).status_code == 201
    assert filled.sums(key) == [sum_of(TWO)]
