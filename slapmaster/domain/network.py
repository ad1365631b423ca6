"""ComputerNetwork: nodes that reach one another, so that a demand can name them together."""

from persistent import Persistent

from slapmaster.domain.container import Container


class Network(Persistent):
    """A network of nodes in one project; reference ``NET-n``."""

    def __init__(self, reference: str, title: str, project: str) -> None:
        self.reference = reference
        self.title = title
        self.project = project


class Networks(Container[Network]):
    """All networks; a title is used once per project."""

    kind = "network"
    unique = {"title": lambda network: (network.project, network.title)}
