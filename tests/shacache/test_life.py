"""What goes and what stays: the cap, days without use, orphans, pins, damage."""

import os
import shutil
import time

import pytest

from shacache import check
from shacache import daemon
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.protocol import shadir
from tests.shacache.world import ANYBODY
from tests.shacache.world import URL
from tests.shacache.world import about
from tests.shacache.world import make_cache

DAY = 86400
KIB = b"x" * 1023


@pytest.fixture
def make(folder, alice):
    """Make a cache over the same directory, with settings; alice signs for it."""
    caches = []

    def make(**settings):
        caches.append(make_cache(folder, **settings))
        if not caches[-1].signers.keys:
            alice.register(caches[-1])
        return caches[-1]

    yield make
    for cache in caches:
        cache.close()


def fill(cache, alice, number, *, days=0.0, entry=True):
    """Put a content of 1 KiB that was of use ``days`` ago, and an entry; give its sum and key."""
    data = KIB + bytes([number])
    receipt = cache.store.receive(2000)
    receipt.write(data)
    sha512 = cache.keep(receipt)
    url = f"{URL}/{number}"
    key = shadir.release_key(url)
    if entry:
        signed = alice.sign(about(data, software_url=url))
        cache.put_entry(key, shadir.write_entry(signed), ANYBODY)
    grow_old(cache, sha512, days)
    return sha512, key


def grow_old(cache, sha512, days):
    (path,) = cache.store.directory.glob(f"contents/*/{sha512}")
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))


def collect(cache):
    return list(check.carry_out(cache, check.make_plan(cache)))


def test_nothing_goes_without_a_limit(make, alice):
    cache = make(orphan_days=0)
    fill(cache, alice, 1, days=1000)
    fill(cache, alice, 2, days=1000, entry=False)
    assert collect(cache) == []


def test_above_the_cap_goes_what_was_of_no_use_for_longest(make, alice):
    cache = make(cap=10 << 10)
    sums = [fill(cache, alice, number, days=20 - number) for number in range(12)]
    gone = collect(cache)
    assert len(gone) == 3 + 3
    assert [sha512 in cache.store for sha512, _ in sums] == [False] * 3 + [True] * 9
    assert [bool(cache.look_up(key)) for _, key in sums] == [False] * 3 + [True] * 9
    assert not list(check.find_problems(cache))
    assert cache.measure().bytes == 9 << 10


def test_a_lookup_is_a_use(make, alice):
    cache = make(cap=3 << 10)
    sums = [fill(cache, alice, number, days=20 - number) for number in range(4)]
    cache.look_up(sums[0][1])
    cache.get(sums[1][0]).close()
    collect(cache)
    assert [sha512 in cache.store for sha512, _ in sums] == [True, True, False, False]


def test_a_pinned_key_and_a_pinned_content_stay(make, alice):
    cache = make(cap=1 << 10, keep_days=5)
    sums = [fill(cache, alice, number, days=20 - number) for number in range(4)]
    cache.pins.add(sums[0][1], sums[1][0])
    collect(cache)
    assert [sha512 in cache.store for sha512, _ in sums] == [True, True, False, False]
    cache.pins.remove(sums[0][1])
    collect(cache)
    assert sums[0][0] not in cache.store
    with pytest.raises(NotFound):
        cache.pins.remove("nothing")
    with pytest.raises(InvalidValue):
        cache.pins.add("two words")


def test_what_nobody_asks_for_goes_after_so_many_days(make, alice):
    cache = make(keep_days=10)
    old, _ = fill(cache, alice, 1, days=11)
    new, _ = fill(cache, alice, 2, days=9)
    assert [each.why for each in collect(cache)] == [
        "of no use for 11 days",
        "1 without their content",
    ]
    assert (old in cache.store, new in cache.store) == (False, True)


def test_a_content_without_an_entry_goes_but_not_before_its_entry_could_come(make, alice):
    cache = make(orphan_days=1)
    old, _ = fill(cache, alice, 1, days=2, entry=False)
    new, _ = fill(cache, alice, 2, days=0.5, entry=False)
    named, _ = fill(cache, alice, 3, days=2)
    collect(cache)
    assert [each in cache.store for each in (old, new, named)] == [False, True, True]


def test_a_dry_run_tells_the_same_and_removes_nothing(make, alice):
    cache = make(cap=2 << 10)
    for number in range(4):
        fill(cache, alice, number, days=20 - number)
    listed = list(check.make_plan(cache).listed())
    assert cache.measure().contents == 4
    assert collect(cache) == listed


def test_what_is_of_use_after_the_plan_was_made_stays(make, alice):
    cache = make(keep_days=10)
    sha512, key = fill(cache, alice, 1, days=11)
    plan = check.make_plan(cache)
    cache.look_up(key)
    assert list(check.carry_out(cache, plan)) == []
    assert sha512 in cache.store


def test_an_entry_for_a_content_that_is_about_to_go_keeps_it(make, alice):
    cache = make(orphan_days=1)
    sha512, key = fill(cache, alice, 1, days=2, entry=False)
    plan = check.make_plan(cache)
    entry = alice.sign(about(KIB + b"\1", software_url=f"{URL}/1"))
    assert cache.put_entry(key, shadir.write_entry(entry), ANYBODY)
    assert list(check.carry_out(cache, plan)) == []
    assert cache.look_up(key) and sha512 in cache.store


def test_entries_whose_content_is_gone_are_found_and_collected(make, alice):
    cache = make()
    sha512, key = fill(cache, alice, 1)
    cache.store.remove(sha512)
    assert not cache.look_up(key)
    (problem,) = check.find_problems(cache)
    assert sha512 in problem
    assert [each.what for each in collect(cache)] == [f"entries of {key}"]
    assert not list(check.find_problems(cache))


def test_what_a_dead_process_has_left_goes_after_an_hour(make, folder, alice):
    cache = make()
    _, key = fill(cache, alice, 1)
    (entry,) = folder.glob("entries/*/*.json")
    paths = [folder / ".new-1", entry.with_name(".new-2")]
    for path in paths:
        path.write_text("half")
    assert collect(cache) == []
    for path in paths:
        os.utime(path, (0, 0))
    assert len(collect(cache)) == 2
    assert not any(path.exists() for path in paths)
    assert cache.look_up(key)


def test_scrubbing_puts_damaged_contents_aside_and_nothing_else(make, folder, alice):
    cache = make()
    good, good_key = fill(cache, alice, 1)
    bad, bad_key = fill(cache, alice, 2)
    (path,) = folder.glob(f"contents/*/{bad}")
    path.write_bytes(KIB + b"\3")
    seen = []
    (damaged,) = check.scrub(cache, seen.append)
    assert bad in damaged.what
    assert len(seen) == 2
    assert (folder / "quarantine" / bad).read_bytes() == KIB + b"\3"
    assert cache.look_up(good_key) and not cache.look_up(bad_key)
    assert good in cache.store
    fill(cache, alice, 2)
    assert cache.look_up(bad_key)


def test_a_server_makes_room_by_itself(make, alice):
    cache = make(cap=5 << 10)
    cache.measure()
    for number in range(8):
        fill(cache, alice, number, days=20 - number)
    daemon.House(cache).keep()
    assert cache.measure().bytes <= 5 << 10
    assert cache.statistic.size.contents == 4


def test_a_disk_that_fails_does_not_end_the_server(make, caplog):
    cache = make()
    shutil.rmtree(cache.settings.directory / "contents")
    daemon.House(cache).keep()
    assert "can't be looked through" in caplog.text
