"""Site: the root of all that is stored."""

from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOTreeSet
from persistent import Persistent

from slapmaster.domain.allocation_supply import AllocationSupplies
from slapmaster.domain.allocation_supply import InstanceNodes
from slapmaster.domain.catalog import Catalog
from slapmaster.domain.instance import Instances
from slapmaster.domain.journal import Journal
from slapmaster.domain.network import Networks
from slapmaster.domain.node import Nodes
from slapmaster.domain.person import Persons
from slapmaster.domain.project import Projects
from slapmaster.domain.room import Room
from slapmaster.domain.sequence import Sequences
from slapmaster.domain.token import Tokens
from slapmaster.domain.tree import Trees


class Site(Persistent):
    """Everything a master knows.  ``version`` is the last evolve step that has run on it."""

    version = 0
    remote_nodes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.persons = Persons()
        self.projects = Projects()
        self.nodes = Nodes()
        self.networks = Networks()
        self.catalog = Catalog()
        self.allocation_supplies = AllocationSupplies()
        self.instance_nodes = InstanceNodes()
        self.trees = Trees()
        self.instances = Instances()
        self.room = Room()
        self.tokens = Tokens()
        self.revocations = OOBTree()
        self.revocations_by_end = OOTreeSet()
        self.sequences = Sequences()
        self.journal = Journal()
