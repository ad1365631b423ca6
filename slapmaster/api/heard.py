"""What nodes and instances say: what is news is kept; when it was heard is kept in memory."""

from pyramid.request import Request

from slapcore.protocol import status as wire_status
from slapmaster.domain.closure import heard_again
from slapmaster.domain.feed import EventKind
from slapmaster.domain.installation import SoftwareInstallation
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.report import report_instance
from slapmaster.domain.report import report_node
from slapmaster.domain.report import report_release


def heard_of_node(request: Request, node: ComputeNode) -> None:
    """The node has asked what there is to do."""
    request.registry.store.pulse.beat(node.reference, request.act.now)
    heard_again(request.act, node)
    report_node(request.act, node, wire_status.node_contacted(node.reference).text)


def heard_of_instance(
    request: Request, instance: Instance, text: str, log: str = "", kind: EventKind | None = None
) -> None:
    """Keep what is said of an instance; what was said before is no news."""
    request.registry.store.pulse.beat(instance.reference, request.act.now)
    report_instance(request.act, instance, text, log, kind)


def heard_of_release(
    request: Request,
    installation: SoftwareInstallation,
    text: str,
    log: str = "",
    kind: EventKind | None = None,
) -> None:
    """Keep what is said of a release on a node; what was said before is no news."""
    request.registry.store.pulse.beat(installation.reference, request.act.now)
    report_release(request.act, installation, text, log, kind)
