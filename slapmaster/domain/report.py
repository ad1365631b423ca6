"""What a node says of itself, of its instances and of the releases it builds.

Saying the same again writes nothing, and is told to nobody; nor is a failure after a failure.
A node's document shows the status of the instances that
have a partition of their own, and no other status: only that one has it made again.
"""

from slapmaster.domain.act import Act
from slapmaster.domain.feed import EventKind
from slapmaster.domain.installation import SoftwareInstallation
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.registration import change_fault
from slapmaster.domain.telling import tell_of_instance
from slapmaster.domain.telling import tell_of_node


def report_instance(
    act: Act, instance: Instance, text: str, log: str = "", kind: EventKind | None = None
) -> bool:
    """Keep what was said of ``instance``; tell whether it differs from what was said before.

    Those who follow the project are told of it as an event of this ``kind``.
    """
    shown, failed = instance.access.text, instance.access.is_error
    if not instance.access.report(text, by=act.by, now=act.now, log=log):
        return False
    if text != shown and not instance.shared:
        instance.has_been_seen()
    if kind is not None and text != shown and not (failed and instance.access.is_error):
        tell_of_instance(act, kind, instance, text)
    return True


def report_release(
    act: Act,
    installation: SoftwareInstallation,
    text: str,
    log: str = "",
    kind: EventKind | None = None,
) -> bool:
    """Keep what was said of a release on a node; tell whether it is news."""
    shown, failed = installation.access.text, installation.access.is_error
    if not installation.access.report(text, by=act.by, now=act.now, log=log):
        return False
    if kind is not None and text != shown and not (failed and installation.access.is_error):
        tell_of_node(act, kind, installation.node, installation.url)
    return True


def report_node(act: Act, node: ComputeNode, text: str, log: str = "") -> bool:
    """Keep what ``node`` said of itself; tell whether it is news.

    A node that says that something is wrong takes nothing new until it says otherwise.
    """
    news = node.access.report(text, by=act.by, now=act.now, log=log)
    if news:
        change_fault(act, node, "error" if node.access.is_error else "")
    return news
