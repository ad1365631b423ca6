"""A bang has a whole tree processed again, or every tree with an instance on a node."""

from slapmaster.domain.bang import bang_node
from slapmaster.domain.bang import bang_tree
from tests.factories import World


def times(*instances):
    return [instance.partition.timestamp for instance in instances]


def test_a_bang_reaches_the_whole_tree_and_no_other():
    world = World.make()
    world.node(partitions=4)
    web = world.request("web")
    child, other = world.request_child(web, "child"), world.request("other")
    world.request_child(web, "lost", release_url="http://example.org/nowhere.cfg")
    share = world.request_child(web, "share", shared=True)
    host = share.host
    before = times(web, child, other)
    bang_tree(world.act(), child)
    after = times(web, child, other)
    assert [new > old for new, old in zip(after, before, strict=True)] == [
        True, True, host is other and after[2] > before[2],
    ]  # fmt: skip


def test_a_bang_of_a_node_reaches_every_tree_on_it():
    world = World.make()
    near, far = world.node("near", partitions=2), world.node("far", partitions=2)
    web = world.request("web", demands={"node": near.reference})
    child = world.request_child(web, "child", demands={"node": far.reference})
    other = world.request("other", demands={"node": far.reference})
    before = times(web, child, other)
    bang_node(world.act(), near)
    after = times(web, child, other)
    assert [new > old for new, old in zip(after, before, strict=True)] == [True, True, False]
