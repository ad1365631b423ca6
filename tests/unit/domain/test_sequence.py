"""Numbers are reserved once, each prefix by itself."""

from slapmaster.domain.sequence import Sequences


def test_blocks_follow_one_another():
    sequences = Sequences()
    assert sequences.reserve("COMP", 3) == range(1, 4)
    assert sequences.reserve("COMP", 2) == range(4, 6)


def test_each_prefix_counts_by_itself():
    sequences = Sequences()
    sequences.reserve("COMP", 3)
    assert sequences.reserve("PROJ", 1) == range(1, 2)
