"""A tree has a title of its owner's, and everything that is in it."""

from slapcore.states import InstanceState
from tests.factories import World


def test_everything_includes_what_is_told_to_go():
    world = World.make()
    world.node(partitions=2)
    web = world.request("web")
    child = world.request_child(web, "child")
    world.request_child(web, "child", state=InstanceState.DESTROYED)
    assert list(web.tree.everything()) == [web, child]


def test_services_are_found_by_project():
    world = World.make()
    web = world.request("web")
    assert list(world.site.trees.all_by("project", world.project.reference)) == [web.tree]
