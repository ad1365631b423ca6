"""Tell what happened, in the feed of the project it happened in."""

from slapmaster.domain.act import Act
from slapmaster.domain.feed import Event
from slapmaster.domain.feed import EventKind
from slapmaster.domain.feed import Feed
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode


def tell_of_instance(act: Act, kind: EventKind, instance: Instance, detail: str = "") -> None:
    """Tell what happened to ``instance``, which is of its service's owner."""
    tree, place = instance.tree, instance.partition
    event = Event(
        kind=kind,
        subject=instance.reference,
        title=instance.title,
        by=act.by,
        service=tree.reference,
        owner=tree.owner,
        node=place.node.reference if place is not None else "",
        detail=detail,
    )
    feed_of(act, tree.project).add(act.now, event)


def tell_of_node(act: Act, kind: EventKind, node: ComputeNode, detail: str = "") -> None:
    """Tell what happened to ``node``: to those who run the project's nodes."""
    event = Event(
        kind=kind,
        subject=node.reference,
        title=node.title,
        by=act.by,
        node=node.reference,
        detail=detail,
    )
    feed_of(act, node.project).add(act.now, event)


def feed_of(act: Act, project: str) -> Feed:
    """Give the feed of a project; it begins with the first that is told."""
    found = act.site.projects[project]
    if found.feed is None:
        found.feed = Feed()
    return found.feed
