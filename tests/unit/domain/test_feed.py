"""A feed tells what happened after a cursor, and keeps the last events only."""

import pytest

from slapcore.errors import Gone
from slapcore.errors import InvalidValue
from slapmaster.domain import feed
from slapmaster.domain.feed import Event
from slapmaster.domain.feed import EventKind
from slapmaster.domain.feed import Feed
from slapmaster.domain.journal import SHARDS

END = 10**15


def event(detail=""):
    return Event(
        kind=EventKind.PLACED,
        subject="SOFTINST-1",
        title="web",
        by="PERS-1",
        service="HOSTSUBS-1",
        owner="PERS-1",
        node="COMP-1",
        detail=detail,
    )


def details(found):
    return [one.detail for _, one in found]


def test_an_event_comes_back_as_it_was_told():
    told = Feed()
    told.add(1_000, event("first"))
    assert list(told.after(0, END)) == [(1_000, event("first"))]
    assert told.last() == 1_000


def test_a_feed_of_nothing_has_no_last_event():
    assert Feed().last() == 0
    assert list(Feed().after(0, END)) == []


def test_events_come_in_the_order_of_time_after_the_cursor():
    told = Feed()
    for when in (500, 17, 3, 250):
        told.add(when, event(str(when)))
    assert details(told.after(0, END)) == ["3", "17", "250", "500"]
    assert details(told.after(17, END)) == ["250", "500"]


def test_what_has_not_settled_is_not_told_yet():
    told = Feed()
    for when in (3, 17, 250):
        told.add(when, event(str(when)))
    assert details(told.after(0, 100)) == ["3", "17"]


def test_what_one_act_tells_is_all_kept_in_its_order():
    told = Feed()
    for number in range(5):
        told.add(1_000, event(str(number)))
    assert details(told.after(0, END)) == list("01234")


def test_the_oldest_are_dropped_and_who_missed_them_is_told_so(monkeypatch):
    monkeypatch.setattr(feed, "KEPT", 10)
    monkeypatch.setattr(feed, "DROPPED", 4)
    told = Feed()
    for number in range(200):
        told.add(1_000 + number * SHARDS, event(str(number)))
    kept = details(told.after(0, END))
    assert kept == [str(number) for number in range(200 - len(kept), 200)]
    assert 10 <= len(kept) <= 14
    with pytest.raises(Gone, match="no longer kept"):
        told.after(1_000, END)
    assert details(told.after(told.forgotten, END)) == kept


def test_a_cursor_from_the_future_is_refused():
    told = Feed()
    told.add(1_000, event())
    with pytest.raises(InvalidValue, match="from the future"):
        told.after(2_000, 1_500)
