"""What a node says of itself, of its instances and of the releases it builds.

Saying the same again writes nothing.  A node's document shows the status of the instances that
have a partition of their own, and no other status: only that one has it made again.
"""

from slapmaster.domain.act import Act
from slapmaster.domain.installation import SoftwareInstallation
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.registration import change_fault


def report_instance(act: Act, instance: Instance, text: str, log: str = "") -> bool:
    """Keep what was said of ``instance``; tell whether it differs from what was said before."""
    shown = instance.access.text
    if not instance.access.report(text, by=act.by, now=act.now, log=log):
        return False
    if text != shown and not instance.shared:
        instance.has_been_seen()
    return True


def report_release(act: Act, installation: SoftwareInstallation, text: str, log: str = "") -> bool:
    """Keep what was said of a release on a node; tell whether it is news."""
    return installation.access.report(text, by=act.by, now=act.now, log=log)


def report_node(act: Act, node: ComputeNode, text: str, log: str = "") -> bool:
    """Keep what ``node`` said of itself; tell whether it is news.

    A node that says that something is wrong takes nothing new until it says otherwise.
    """
    news = node.access.report(text, by=act.by, now=act.now, log=log)
    if news:
        change_fault(act, node, "error" if node.access.is_error else "")
    return news
