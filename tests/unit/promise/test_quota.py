"""Token buckets on disk: how often a failure may have things processed again."""

import subprocess
import sys

import pytest

from slapcore.errors import InvalidValue
from slapcore.promise.quota import Quota
from slapcore.promise.quota import Rate

HOUR = 3600


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quota(tmp_path, clock):
    rates = {"partition": Rate(size=2, per_hour=1), "tree": Rate(size=3, per_hour=2)}
    return Quota(tmp_path / "quota", clock=clock, **rates)


def test_as_many_as_there_are_tokens_are_granted(quota):
    assert [quota.take("p0").granted for _ in range(3)] == [True, True, False]


def test_tokens_come_back_with_time_but_never_more_than_the_bucket_holds(quota, clock):
    quota.take("p0")
    quota.take("p0")
    clock.now += HOUR / 2
    assert not quota.take("p0").granted
    clock.now += HOUR / 2
    assert quota.take("p0").granted
    clock.now += 100 * HOUR
    assert [quota.take("p0").granted for _ in range(3)] == [True, True, False]


def test_a_tree_s_bucket_is_shared_by_its_partitions(quota):
    grants = [quota.take(name, "tree").granted for name in ("p0", "p1", "p2", "p3")]
    assert grants == [True, True, True, False]


def test_a_refused_bang_takes_nothing_from_the_other_bucket(quota):
    for name in ("p0", "p1", "p2", "p3", "p3"):
        grant = quota.take(name, "tree")
    assert grant.spent == "tree tree"
    assert quota.take("p3").granted and quota.take("p3").granted


def test_the_reason_says_whose_quota_is_spent_and_until_when(quota, clock):
    for _ in range(4):
        grant = quota.take("p0", "the tree")
    assert grant.reason == (
        "bang quota of partition p0 is spent: 2 refused, the next is possible in 60 min"
    )
    assert quota.take("p1", "the tree").reason == ""


def test_a_clock_that_was_set_back_gives_and_takes_nothing(quota, clock):
    quota.take("p0")
    clock.now -= 100 * HOUR
    assert quota.take("p0").granted
    assert not quota.take("p0").granted


def test_levels_show_what_is_left(quota, clock):
    for _ in range(3):
        quota.take("p0", "the tree")
    clock.now += 60
    levels = {level.subject: level for level in quota.levels()}
    spent, tree = levels["p0"], levels["the tree"]
    assert (spent.kind, spent.left, spent.size, spent.refused) == ("partition", 0, 2, 1)
    assert spent.next_in == pytest.approx(HOUR - 60) and spent.refused_since == clock.now - 60
    assert (tree.kind, tree.left, tree.size, tree.next_in) == ("tree", 1, 3, 0)


def test_a_grant_ends_the_count_of_refusals(quota, clock):
    for _ in range(3):
        quota.take("p0")
    clock.now += HOUR
    quota.take("p0")
    assert [level.refused for level in quota.levels()] == [0]


def test_it_is_on_disk(quota, tmp_path, clock):
    quota.take("p0")
    quota.take("p0")
    again = Quota(tmp_path / "quota", partition=Rate(size=2, per_hour=1), clock=clock)
    assert not again.take("p0").granted
    assert (tmp_path / "quota").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", '{"subject": "p0", "left": "x", "touched": 0}']
)
def test_a_damaged_bucket_is_an_empty_one(quota, tmp_path, damage):
    quota.take("p0")
    path = next((tmp_path / "quota").glob("partition-*"))
    path.write_text(damage)
    assert not quota.take("p0").granted


@pytest.mark.parametrize("title", ["../../x", "a/b", "ü" * 500, "", "a\0b", "x\ny"])
def test_any_title_has_a_bucket_of_its_own(quota, tmp_path, title):
    for name in ("p0", "p1", "p2", "p3"):
        grant = quota.take(name, title or "x")
    assert not grant.granted
    names = {path.parent for path in tmp_path.rglob("*.json")}
    assert names == {tmp_path / "quota"}


def test_a_free_partition_is_forgotten(quota):
    quota.take("p0")
    quota.take("p0")
    quota.forget("p0")
    assert quota.levels() == [] and quota.take("p0").granted


TAKE_MANY = """
import sys
from pathlib import Path
from slapcore.promise.quota import Quota, Rate
quota = Quota(Path(sys.argv[1]), partition=Rate(size=50, per_hour=0.001))
print(sum(quota.take("p0").granted for _ in range(30)))
"""


def test_agent_and_watchdog_take_from_the_same_bucket(tmp_path):
    command = [sys.executable, "-c", TAKE_MANY, str(tmp_path)]
    takers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    granted = [int(taker.communicate(timeout=60)[0]) for taker in takers]
    assert sum(granted) == 50


@pytest.mark.parametrize(("size", "per_hour"), [(0, 1), (1, 0), (1, -1)])
def test_a_bucket_that_lets_none_by_is_refused(size, per_hour):
    with pytest.raises(InvalidValue, match="lets none by"):
        Rate(size=size, per_hour=per_hour)
