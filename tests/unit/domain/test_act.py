"""An act names its references and notes what it did."""

from tests.factories import World


def test_a_reference_is_new_each_time():
    act = World.make().act()
    assert (act.new_reference("COMP"), act.new_reference("COMP")) == ("COMP-1", "COMP-2")


def test_what_is_noted_says_who_from_where_and_when():
    world = World.make()
    act = world.act()
    act.note("married", "PERS-1", "to PERS-2")
    assert list(world.site.journal.since(act.now)) == [
        (act.now, ("PERS-1", "127.0.0.1", "married", "PERS-1", "to PERS-2"))
    ]
