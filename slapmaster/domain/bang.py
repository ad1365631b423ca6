"""Bang: have a node, or a whole tree, processed again."""

from slapmaster.domain.act import Act
from slapmaster.domain.feed import EventKind
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.telling import tell_of_instance


def bang_tree(act: Act, instance: Instance) -> None:
    """Have every instance of the tree of ``instance`` processed again."""
    for member in instance.tree.everything():
        if member.partition is not None and not member.shared:
            member.partition.touch(act.now)
    act.note("bang", instance.tree.reference, instance.reference)
    tell_of_instance(act, EventKind.BANG, instance)


def bang_node(act: Act, node: ComputeNode) -> None:
    """Have every tree with an instance on ``node`` processed again."""
    trees = {}
    for partition in node.partitions.values():
        if partition.instance is not None:
            trees[partition.instance.tree.reference] = partition.instance
    for instance in trees.values():
        bang_tree(act, instance)
    act.note("bang", node.reference)
