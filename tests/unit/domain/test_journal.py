"""The journal keeps every entry, in the order of time."""

from slapmaster.domain.journal import SHARDS
from slapmaster.domain.journal import Journal


def entry(detail):
    return ("PERS-1", "127.0.0.1", "changed", "COMP-1", detail)


def test_entries_come_in_the_order_of_time():
    journal = Journal()
    for when in (500, 17, 3, 250):
        journal.add(when, entry(str(when)))
    assert [(when, text) for when, (*_, text) in journal.since(0)] == [
        (3, "3"), (17, "17"), (250, "250"), (500, "500"),
    ]  # fmt: skip


def test_only_what_is_asked_for_is_walked():
    journal = Journal()
    for when in range(100):
        journal.add(when, entry(""))
    assert [when for when, _ in journal.since(95)] == [95, 96, 97, 98, 99]


def test_what_happens_at_the_same_moment_is_all_kept():
    journal = Journal()
    for number in range(SHARDS * 3):
        journal.add(1_000, entry(str(number)))
    assert len(journal) == SHARDS * 3
    assert [int(text) for _, (*_, text) in journal.since(0)] == list(range(SHARDS * 3))


def test_the_newest_come_first_when_asked_for():
    journal = Journal()
    assert list(journal.latest_first()) == []
    for when in range(200):
        journal.add(when, entry(str(when)))
    assert [when for when, _ in journal.latest_first()] == list(range(199, -1, -1))
