"""SoftwareInstallation: a release supplied to a node."""

from persistent import Persistent

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.states import ReleaseState
from slapmaster.domain.act import Act
from slapmaster.domain.feed import EventKind
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.status import AccessStatus
from slapmaster.domain.telling import tell_of_node
from slapmaster.domain.values import check_url
from slapmaster.domain.waiting import place_waiting


class SoftwareInstallation(Persistent):
    """A release wanted on a node, or wanted gone; it need not be built yet."""

    state = ReleaseState.AVAILABLE

    def __init__(self, reference: str, url: str, node: ComputeNode) -> None:
        self.reference = reference
        self.url = url
        self.node = node
        self.access = AccessStatus()


def supply(act: Act, node: ComputeNode, url: str, state: ReleaseState) -> None:
    """Want the release at ``url`` on ``node``, or want it gone.

    Asking twice changes nothing; wanting gone what was never there does nothing.
    """
    check_url(url)
    known: SoftwareInstallation | None = node.installations.get(url)
    if known is None and state is ReleaseState.DESTROYED:
        return
    if known is not None and known.state is state:
        return
    if state is ReleaseState.AVAILABLE:
        _install(act, node, url)
    else:
        assert known is not None
        known.state = state
        act.site.room.withdraw(node, url)
    act.note(f"release {state}", node.reference, url)
    wanted = state is ReleaseState.AVAILABLE
    tell_of_node(act, EventKind.SUPPLIED if wanted else EventKind.WITHDRAWN, node, url)
    node.changed()


def _install(act: Act, node: ComputeNode, url: str) -> None:
    node.installations[url] = SoftwareInstallation(act.new_reference("SOFTINSTALL"), url, node)
    act.site.room.supply(node, url)
    place_waiting(act, node)


def find_installation(node: ComputeNode, url: str) -> SoftwareInstallation:
    """Give the installation of ``url`` on ``node``; raises ``NotFound``."""
    installation: SoftwareInstallation | None = node.installations.get(url)
    if installation is None:
        raise NotFound(f"release {url} is not supplied to {node.reference}")
    return installation


def forget_destroyed(act: Act, node: ComputeNode, url: str) -> None:
    """The node has removed a release it was told to remove."""
    installation = find_installation(node, url)
    if installation.state is not ReleaseState.DESTROYED:
        raise Conflict(f"nobody asked to remove {url} from {node.reference}")
    del node.installations[url]
    node.changed()
    act.note("release removed", node.reference, url)
    tell_of_node(act, EventKind.REMOVED, node, url)
