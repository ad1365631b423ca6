"""What was last said is kept if it is news, and since when its kind was said."""

import pytest

from slapmaster.domain.status import LOG_KEPT
from slapmaster.domain.status import AccessStatus


@pytest.fixture
def access():
    status = AccessStatus()
    status.report("#access fine", by="COMP-1", now=10)
    return status


def test_the_same_again_is_no_news(access):
    assert not access.report("#access fine", by="COMP-1", now=20)
    assert access.reported == 10


@pytest.mark.parametrize(
    ("text", "by", "log"),
    [
        ("#access good", "COMP-1", ""),
        ("#access fine", "SOFTINST-1", ""),
        ("#access fine", "COMP-1", "x"),
    ],
)
def test_whatever_differs_is_news(access, text, by, log):
    assert access.report(text, by=by, now=20, log=log)
    assert (access.text, access.by, access.log, access.reported) == (text, by, log, 20)


def test_the_kind_of_message_keeps_its_beginning(access):
    access.report("#access good", by="COMP-1", now=20)
    assert access.since == 10
    access.report("#error bad", by="COMP-1", now=30)
    assert access.since == 30


def test_an_error_is_told_from_the_rest(access):
    assert not access.is_error
    access.report("#error bad", by="COMP-1", now=30)
    assert access.is_error


def test_a_long_log_is_kept_by_its_end(access):
    access.report("#error", by="COMP-1", now=20, log="a" * LOG_KEPT + "the end")
    assert len(access.log) == LOG_KEPT
    assert access.log.endswith("the end")
