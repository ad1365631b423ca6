"""A master in this process, and whoever stands at its door: a person, a node, an instance.

No mocks: a real store, real certificates by a real authority, and requests through the whole
application.  The certificate arrives as our own listener hands it over.
"""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any
from typing import TypeVar
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from webtest import TestApp
from webtest import TestResponse

from slapcore.protocol import marshal
from slapmaster.app import Parts
from slapmaster.app import make_app
from slapmaster.auth.authority import Authority
from slapmaster.auth.issuer import AuthorityIssuer
from slapmaster.auth.seal import Seal
from slapmaster.domain.act import Act
from slapmaster.domain.certification import issue_certificate
from slapmaster.domain.check import find_problems
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.project import Role
from slapmaster.domain.registration import register_node
from slapmaster.domain.site import Site
from slapmaster.storage import Store
from slapmaster.storage import opened

Result = TypeVar("Result")

#: A certificate and its key, as PEM.
Pair = tuple[str, str]

RELEASE = "https://example.com/web/software.cfg"
DAYS = {"COMP": 365, "SOFTINST": 365, "PERS": 365}


def make_issuer() -> AuthorityIssuer:
    return AuthorityIssuer(Authority.create("a test", datetime.now(UTC)), Seal.create(), DAYS)


def pair_of(act: Act, holder: Person | ComputeNode) -> Pair:
    """Give a new certificate and its key, or nothing where there are none."""
    if act.issuer is None:
        return "", ""
    new = issue_certificate(act, holder)
    return new.certificate, new.key


def der_of(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


class Master:
    """The application over a store; persons, projects and nodes are made here, not at the door.

    ``folder`` keeps the store in files; without it, it is in memory.  Without ``issuer`` this
    is one person's own machine.
    """

    def __init__(
        self, folder: Path | None = None, issuer: AuthorityIssuer | None = None, **parts: object
    ) -> None:
        if folder is None:
            self.store = Store.open("memory://", "memory://")
        else:
            self.store = Store.open(f"file://{folder}/main.fs", f"file://{folder}/pulse.fs")
        self.issuer = issuer
        self.wsgi = make_app(Parts(store=self.store, issuer=issuer, alone=issuer is None, **parts))
        self.app = TestApp(self.wsgi)

    def close(self) -> list[str]:
        """Close the store; give what is wrong with what is stored."""
        try:
            return self.problems()
        finally:
            self.store.close()

    def problems(self) -> list[str]:
        """Give what is wrong with what is stored."""
        return self.look(lambda site: list(find_problems(site)))

    def change(self, operation: Callable[[Act], Result]) -> Result:
        """Run ``operation`` as an operator at the machine would."""
        with self.store.moments.act() as now:
            return self.store.change(lambda site: operation(self._act(site, now)))

    def look(self, reading: Callable[[Site], Result]) -> Result:
        with opened(self.store.main) as connection:
            return reading(connection.root()["site"])

    def _act(self, site: Site, now: int) -> Act:
        return Act(
            site=site,
            hook=self.wsgi.registry.hook,
            by="test",
            origin="",
            now=now,
            next_number=self.store.numbers.next,
            issuer=self.issuer,
        )

    def add_person(self, name: str, *, operator: bool = False) -> "ClassicDriver":
        def add(act: Act) -> tuple[str, Pair]:
            person = Person(act.new_reference("PERS"), name, f"{name}@example.com")
            person.operator = operator
            act.site.persons.add(person)
            return person.reference, pair_of(act, person)

        return self._stand_at_door(*self.change(add))

    def add_project(self, title: str, manager: "ClassicDriver", **flags: bool) -> str:
        def add(act: Act) -> str:
            project = Project(act.new_reference("PROJ"), title)
            for name, value in flags.items():
                setattr(project, name, value)
            act.site.projects.add(project)
            project.give_role(act.site.persons[manager.reference], Role.MANAGER)
            return project.reference

        return self.change(add)

    def give_role(self, project: str, person: "ClassicDriver", role: Role) -> None:
        self.change(
            lambda act: act.site.projects[project].give_role(
                act.site.persons[person.reference], role
            )
        )

    def add_node(self, project: str, title: str, partitions: int = 0) -> "ClassicDriver":
        def add(act: Act) -> tuple[str, Pair]:
            node = register_node(act, act.site.projects[project], title)
            return node.reference, pair_of(act, node)

        node = self._stand_at_door(*self.change(add))
        if partitions:
            node.format(partitions)
        return node

    def instance_at(self, node: "ClassicDriver", partition: str) -> "ClassicDriver":
        """Have whatever lives in ``partition`` stand at the door, with what its node was given."""
        found = node.read("getComputerPartitionCertificate", node.at(partition))
        reference = self.look(
            lambda site: site.nodes[node.reference][partition].instance.reference
        )
        speaker = self._stand_at_door(reference, (found["certificate"], found["key"]))
        return replace(speaker, place=node.at(partition))

    def instance(self, node: "ClassicDriver", title: str) -> "ClassicDriver":
        """Have the instance called ``title`` on ``node`` stand at the door."""
        return self.instance_at(node, node.told(title)["_partition_id"])

    def nobody(self) -> "ClassicDriver":
        return ClassicDriver(self.app)

    def _stand_at_door(self, reference: str, pair: Pair) -> "ClassicDriver":
        return ClassicDriver(self.app, reference, der_of(pair[0]) if pair[0] else None)

    def last_transaction(self) -> bytes:
        return self.store.main.storage.lastTransaction()

    @contextmanager
    def writing_nothing(self) -> Iterator[None]:
        """Fail when anything is stored meanwhile."""
        before = self.last_transaction()
        yield
        assert self.last_transaction() == before, "something was stored"


@dataclass(frozen=True)
class ClassicDriver:
    """Somebody at the door who speaks classic SLAP, proved by a certificate, or by nothing.

    ``place`` is where an instance lives: the two fields that say so.
    """

    app: TestApp
    reference: str = ""
    certificate: bytes | None = None
    place: dict[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"

    def call(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
        *,
        status: int | str = 200,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        environ: dict[str, Any] = {
            "REMOTE_ADDR": self.address,
            "webob.is_body_seekable": True,  # as our own listener says
        }
        if self.certificate is not None:
            environ["slapmaster.client_certificate"] = self.certificate
        url = "/" + path.lstrip("/")
        if method == "POST":
            return self.app.post(
                url, fields or {}, headers=headers, extra_environ=environ, status=status
            )
        if fields:
            url += f"?{urlencode(fields)}"
        environ["REQUEST_METHOD"] = method
        return self.app.get(url, headers=headers, extra_environ=environ, status=status)

    def get(self, name: str, fields: dict[str, str] | None = None, **how: Any) -> TestResponse:
        return self.call("GET", name, fields, **how)

    def post(self, name: str, fields: dict[str, str] | None = None, **how: Any) -> TestResponse:
        return self.call("POST", name, fields, **how)

    def read(self, name: str, fields: dict[str, str] | None = None) -> Any:
        """Ask by GET and decode the answer."""
        return marshal.decode(self.get(name, fields).body)

    def read_post(self, name: str, fields: dict[str, str]) -> Any:
        """Ask by POST and decode the answer."""
        return marshal.decode(self.post(name, fields).body)

    def at(self, partition: str) -> dict[str, str]:
        """Name a partition of this node."""
        return {"computer_id": self.reference, "computer_partition_id": partition}

    def format(self, partitions: int, **more: object) -> TestResponse:
        return self.post(
            "loadComputerConfigurationFromXML",
            {"xml": marshalled(describe_node(self.reference, partitions, **more))},
        )

    def supply(self, node: "ClassicDriver", url: str = RELEASE, state: str = "available") -> None:
        self.post("supplySupply", {"url": url, "computer_id": node.reference, "state": state})

    def ask(self, title: str, *, status: int | str = 200, **wanted: Any) -> TestResponse:
        """Request an instance, as this person or as a child of this instance."""
        fields = {**self.place, **wish(title, **wanted)}
        return self.post("requestComputerPartition", fields, status=status)

    def request(self, title: str, **wanted: Any) -> marshal.Document:
        return marshal.decode(self.ask(title, **wanted).body)

    def see(self) -> marshal.Document:
        """Read everything this node has to know."""
        return self.read("getFullComputerInformation", {"computer_id": self.reference})

    def told(self, title: str) -> dict[str, Any]:
        """Read what this node is told of the instance called ``title``."""
        found = (one.attributes for one in self.see().attributes["_computer_partition_list"])
        return next(
            one for one in found if one.get("_parameter_dict", {}).get("instance_title") == title
        )

    def place_of(self, title: str) -> dict[str, str]:
        """Name the partition of the instance called ``title``."""
        return self.at(self.told(title)["_partition_id"])

    def partition(self, name: str) -> dict[str, Any]:
        """Read what this node is told of one of its partitions."""
        found = self.see().attributes["_computer_partition_list"]
        return next(one.attributes for one in found if one.attributes["_partition_id"] == name)


def marshalled(value: object) -> str:
    return marshal.encode(value).decode()


def wish(
    title: str,
    *,
    url: str = RELEASE,
    software_type: str = "default",
    parameters: dict[str, str] | None = None,
    demands: dict[str, str] | None = None,
    state: str | None = None,
    shared: bool = False,
    project: str | None = None,
) -> dict[str, str]:
    """Write the fields that legacy clients send to request an instance."""
    fields = {
        "software_release": url,
        "software_type": software_type,
        "partition_reference": title,
        "partition_parameter_xml": marshalled(parameters or {}),
        "filter_xml": marshalled(demands or {}),
        "state": marshalled(state),
        "shared_xml": marshalled(shared),
    }
    return fields if project is None else {**fields, "project_reference": project}


def ipv4_of(number: int) -> str:
    return f"10.0.{number // 250}.{number % 250 + 1}"


def describe_node(reference: str, partitions: int, **more: object) -> dict[str, object]:
    """Describe a node as its format command does."""
    return {
        "reference": reference,
        "address": "127.0.0.1",
        "netmask": "255.255.255.255",
        "partition_list": [
            {
                "reference": f"slappart{number}",
                "address_list": [
                    {"addr": ipv4_of(number), "netmask": "255.255.255.255"},
                    {"addr": f"2001:db8::{number + 1:x}", "netmask": "ffff:ffff:ffff::"},
                ],
                "tap": {"name": f"slaptap{number}"},
            }
            for number in range(partitions)
        ],
        **more,
    }
