"""What is reported of a node, an instance or a release: kept if it is news, else nothing written.

A node sees the status of its instances in its own document, so that is made again with it.
"""

from slapmaster.domain.act import Act
from slapmaster.domain.installation import SoftwareInstallation
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode


def report_node(act: Act, node: ComputeNode, text: str) -> bool:
    """Keep what is said of ``node``; tell whether it is news."""
    return node.access.report(text, by=act.by, now=act.now)


def report_instance(act: Act, instance: Instance, text: str, log: str = "") -> bool:
    """Keep what is said of ``instance``; tell whether it is news."""
    shown = instance.access.text
    if not instance.access.report(text, by=act.by, now=act.now, log=log):
        return False
    if text != shown:
        instance.has_been_seen()
    return True


def report_release(
    act: Act, installation: SoftwareInstallation, text: str, log: str = ""
) -> bool:
    """Keep what is said of a release on a node; tell whether it is news."""
    return installation.access.report(text, by=act.by, now=act.now, log=log)
