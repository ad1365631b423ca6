"""Each act has its moment, and what has settled is known."""

from slapmaster.storage import Moments
from slapmaster.storage import now_in_microseconds


def test_each_moment_is_later_than_all_before_whatever_the_clock_says():
    ahead = now_in_microseconds() + 10**9
    moments = Moments(last=ahead)
    assert [moments.begin() for _ in range(3)] == [ahead + 1, ahead + 2, ahead + 3]


def test_what_has_settled_is_before_every_act_that_goes_on():
    moments = Moments()
    first = moments.begin()
    second = moments.begin()
    assert moments.settled() == first - 1
    moments.end(second)
    assert moments.settled() == first - 1
    moments.end(first)
    settled = moments.settled()
    assert settled > second
    assert moments.begin() > settled


def test_it_is_quiet_when_no_act_goes_on():
    moments = Moments()
    with moments.act() as moment:
        assert not moments.is_quiet()
        assert moments.settled() == moment - 1
    assert moments.is_quiet()
