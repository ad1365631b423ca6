"""Sites with so many nodes, partitions, releases, persons and projects; and acts upon them.

Whatever is built here is built by the operations themselves, so it is as the program makes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import cache

import pluggy

from slapcore.states import ReleaseState
from slapmaster.domain.act import Act
from slapmaster.domain.act import Issuer
from slapmaster.domain.certificate import NewCertificate
from slapmaster.domain.installation import supply
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.node import Address
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import NodeFacts
from slapmaster.domain.node import PartitionSpec
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.project import Role
from slapmaster.domain.registration import format_node
from slapmaster.domain.registration import register_node
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_child
from slapmaster.domain.request import request_service
from slapmaster.domain.site import Site
from slapmaster.plugin import find_plugins

RELEASE = "http://example.org/software.cfg"
#: 2026-01-01 00:00:00 UTC, in microseconds
START = 1_767_225_600_000_000
SECOND = 1_000_000
DAY = 24 * 3_600 * SECOND


@dataclass
class Clock:
    """A clock that goes on by about a second whenever it is read; it may be put back."""

    now: int = START

    def read(self) -> int:
        self.now += SECOND + 1  # a round number would put all into one part of the journal
        return self.now


@dataclass
class PlainIssuer:
    """Makes certificates that only look like some, and seals keys by turning them round."""

    issued: int = 0
    not_after: int = START + 365 * DAY

    def issue(self, reference: str, days: int | None = None) -> NewCertificate:
        self.issued += 1
        serial = f"{self.issued:x}"
        not_after = self.not_after if days is None else START + days * DAY
        return NewCertificate(
            serial, f"sha256:{serial}", not_after, f"CN={reference}", f"key {serial}"
        )

    def seal(self, key: str, purpose: str) -> bytes:
        return f"{key} of {purpose}"[::-1].encode()

    def open(self, sealed: bytes, purpose: str) -> str:
        return sealed.decode()[::-1].removesuffix(f" of {purpose}")


@cache
def plugins() -> pluggy.PluginManager:
    """Load what is installed: the policies that the program itself would use."""
    return find_plugins()


@dataclass
class Acting:
    """Makes acts upon a site, a second apart.

    Numbers are taken one by one from the site's own sequences, unless ``numbers`` gives them;
    ``issuer`` is ``None`` where there are to be no certificates.
    """

    site: Site
    by: str = "PERS-1"
    clock: Clock = field(default_factory=Clock)
    numbers: Callable[[str], int] | None = None
    issuer: Issuer | None = field(default_factory=PlainIssuer)
    hook: pluggy.HookRelay = field(default_factory=lambda: plugins().hook)

    def __call__(self) -> Act:
        return Act(
            site=self.site,
            hook=self.hook,
            by=self.by,
            origin="127.0.0.1",
            now=self.clock.read(),
            next_number=self.numbers or self.next_number,
            issuer=self.issuer,
        )

    def next_number(self, prefix: str) -> int:
        return self.site.sequences.reserve(prefix, 1)[0]


def specs(count: int, capabilities: tuple[str, ...] = ()) -> list[PartitionSpec]:
    """Describe so many partitions, as a node does: slappart0 and on."""
    return [
        PartitionSpec(
            f"slappart{number}",
            (Address("lo", f"10.0.{number // 250}.{number % 250 + 1}", "255.255.255.255"),),
            capabilities,
        )
        for number in range(count)
    ]


def make_person(act: Act, name: str = "ada", *projects: Project) -> Person:
    person = Person(act.new_reference("PERS"), name, f"{name}@example.org")
    act.site.persons.add(person)
    for project in projects:
        project.give_role(person, Role.CUSTOMER)
    return person


def make_project(act: Act, title: str = "main") -> Project:
    project = Project(act.new_reference("PROJ"), title)
    act.site.projects.add(project)
    return project


def make_node(
    act: Act, project: Project, title: str = "node", *, partitions: int = 1, release: str = RELEASE
) -> ComputeNode:
    """Register a node and format it; supply ``release`` unless that is empty."""
    node = register_node(act, project, title)
    format_node(act, node, NodeFacts(address="10.0.0.1"), specs(partitions))
    if release:
        supply(act, node, release, ReleaseState.AVAILABLE)
    return node


def wanted(title: str = "web", **values: object) -> Wanted:
    """Want an instance of the usual release; ``values`` say what is unusual."""
    usual: dict[str, object] = {"release_url": RELEASE, "software_type": "default"}
    return Wanted(title=title, **{**usual, **values})  # type: ignore[arg-type]


@dataclass
class World:
    """A site with one project and one person, and the acts upon it."""

    act: Acting
    project: Project
    person: Person

    @classmethod
    def make(cls, site: Site | None = None) -> "World":
        act = Acting(site or Site())
        project = make_project(act())
        return cls(act, project, make_person(act(), "ada", project))

    def seen_in(self, site: Site) -> "World":
        """Give this world as another connection sees it; clock, numbers and issuer are shared."""
        act = replace(self.act, site=site)
        project, person = self.project.reference, self.person.reference
        return World(act, site.projects[project], site.persons[person])

    @property
    def site(self) -> Site:
        return self.act.site

    def instance(self, title: str) -> SoftwareInstance:
        """Give the instance called ``title`` of whatever tree."""
        found = [one for one in self.site.instances if one.title == title]
        assert len(found) == 1
        assert isinstance(found[0], SoftwareInstance)
        return found[0]

    def node(
        self, title: str = "node", *, partitions: int = 1, release: str = RELEASE
    ) -> ComputeNode:
        return make_node(self.act(), self.project, title, partitions=partitions, release=release)

    def request(self, title: str = "web", **values: object) -> Instance:
        return request_service(self.act(), self.person, self.project, wanted(title, **values))

    def request_child(self, requester: Instance, title: str, **values: object) -> Instance:
        assert isinstance(requester, SoftwareInstance)
        return request_child(self.act(), requester, wanted(title, **values))


def make_site(*, nodes: int = 1, partitions: int = 1, instances: int = 0) -> Site:
    """Make a site with so many nodes of so many partitions, and so many services requested."""
    world = World.make()
    for number in range(nodes):
        world.node(f"node{number}", partitions=partitions)
    for number in range(instances):
        world.request(f"web{number}")
    return world.site
