"""What a person says to a master, and what they ask; their certificate says who they are.

Lists come from the search of the linked documents (HATEOAS), which any page of rows may be asked
of; what is done, and what is shown whole, goes by JSON-RPC.
"""

import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from slapcore.errors import NotFound
from slapcore.errors import NotOffered
from slapcore.errors import ProtocolError
from slapcore.protocol.attributes import Attributes
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.jsonrpc import JSON
from slapcore.protocol.jsonrpc import read_body
from slapcore.slap import shown
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Question
from slapcore.slap.wish import Wish
from slapcore.slap.wish import request
from slapcore.slap.wish import write_demands
from slapcore.slap.wish import write_json
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

HATEOAS = "hateoas"
#: How many rows of a list are asked for at once.
PAGE = 200
EVENTS_AT_ONCE = 1000

SPECIAL = re.compile(r'["\\]')
Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to be different of a service; ``None`` leaves it as it is."""

    title: str | None = None
    state: InstanceState | None = None
    release_url: str | None = None
    software_type: str | None = None
    parameters: Mapping[str, str] | None = None
    demands: Mapping[str, str] | None = None


class AsPerson:
    """A person at the master's door; lists are asked for in pages of so many rows."""

    def __init__(self, connection: Connection, page: int = PAGE) -> None:
        self.connection = connection
        self._page = page

    def whoami(self) -> shown.Person:
        """Say whose certificate this is."""
        links = self._look("").read_part("_links")
        path = links.read_part("me").read_text("href").removeprefix("urn:jio:get:")
        view = self._look(f"/{path}").read_part("_embedded").read_part("_view")
        reference = view.read_part("my_reference").read_text("default")
        if not reference:
            raise ProtocolError("the master does not say whose certificate this is")
        return shown.Person(
            reference=reference,
            name=view.read_part("my_title").read_text("default"),
            email=view.read_part("my_default_email_coordinate_text").read_text("default"),
        )

    def request(self, wish: Wish) -> shown.Instance:
        """Ask for a service; while there is no place for it, its status says why."""
        told = self._call("slapos.post.v0.software_instance", write_json(wish), repeatable=True)
        return shown.read_instance(told)

    def ask(self, wish: Wish) -> InstanceView:
        """Ask for a service by classic SLAP; raises ``NotReady`` while there is no place for it."""
        name = "requestComputerPartition"
        return request(lambda form: self.connection.post(name, form, repeatable=True), wish)

    def change(self, title: str, change: Change, *, project: str = "") -> shown.Instance:
        """Change a service and leave what is not said as it is."""
        said: JSON = {
            "title": title,
            "project_guid": project or None,
            "new_title": change.title,
            "state": change.state.value if change.state is not None else None,
            "software_release_uri": change.release_url,
            "software_type": change.software_type,
            "parameters": dict(change.parameters) if change.parameters is not None else None,
            "sla_parameters": write_demands(change.demands) if change.demands is not None else None,
        }
        return shown.read_instance(self._call("slapos.put.WIP.instance_tree", leave_out(said)))

    def plan(self, wish: Wish) -> shown.Plan:
        """Ask where a request would lead; nothing is stored."""
        told = self._call("slapos.get.WIP.instance_plan", write_json(wish), repeatable=True)
        return shown.read_plan(told)

    def list_events(self, project: str, since: str) -> tuple[tuple[shown.Event, ...], str]:
        """List what happened after a cursor, all of it; give where to go on, too."""
        events: list[shown.Event] = []
        more = True
        while more:
            said = leave_out({"project": project or None, "since": since, "limit": EVENTS_AT_ONCE})
            told = self._call("slapos.allDocs.WIP.event_list", said, repeatable=True)
            events += map(shown.read_event, told.read_each("result_list"))
            since, more = told.read_text("cursor"), told.read_flag("more")
        return tuple(events), since

    def follow_events(self, project: str, since: str) -> Iterator[shown.Event]:
        """Walk what happened after a cursor, then whatever happens, until the master ends it."""
        query = {"since": since, **({"project": project} if project else {})}
        for line in self.connection.follow(Question(path="events", query=query)):
            name, _, value = line.partition(":")
            if name == "data":
                yield shown.read_event(Attributes(read_body(value.encode()), "an event"))

    def see_service(self, title: str) -> shown.Instance:
        """Show the root of a service."""
        return shown.read_instance(self._read("slapos.get.v0.instance_tree", title=title))

    def see_instance(self, reference: str) -> shown.Instance:
        said = {"instance_guid": reference}
        return shown.read_instance(self._read("slapos.get.v0.software_instance", **said))

    def list_services(self, title: str | None = None) -> tuple[shown.Service, ...]:
        exact = {} if title is None else {"title": title}
        kinds = ("Instance Tree",)
        return tuple(self._search(kinds, exact, shown.SERVICE_COLUMNS, shown.read_service))

    def list_members(self, service: str) -> tuple[shown.Member, ...]:
        """List the instances of the service with this reference."""
        kinds = ("Software Instance", shown.SHARED_KIND)
        exact = {"default_specialise_reference": service}
        return tuple(self._search(kinds, exact, shown.MEMBER_COLUMNS, shown.read_member))

    def list_members_on(self, node: str) -> tuple[shown.Member, ...]:
        """List the instances on a node, as far as this person may see them."""
        kinds = ("Software Instance", shown.SHARED_KIND)
        exact = {"default_aggregate_reference": node}
        return tuple(self._search(kinds, exact, shown.MEMBER_COLUMNS, shown.read_member))

    def see_member(self, reference: str) -> shown.Member:
        """Show an instance in brief, with the time of its node's last word."""
        kinds = ("Software Instance", shown.SHARED_KIND)
        exact = {"reference": reference}
        for found in self._search(kinds, exact, shown.MEMBER_COLUMNS, shown.read_member):
            return found
        raise NotFound(f"no instance {reference!r}")

    def list_nodes(self) -> tuple[shown.Node, ...]:
        return tuple(self._search(("Compute Node",), {}, shown.NODE_COLUMNS, shown.read_node))

    def find_node(self, name: str) -> shown.Node:
        """Find a node by reference or title; raises ``NotFound``."""
        for key in ("reference", "title"):
            found = tuple(
                self._search(("Compute Node",), {key: name}, shown.NODE_COLUMNS, shown.read_node)
            )
            if found:
                return found[0]
        raise NotFound(f"no node {name!r} that you may see")

    def list_installations(self, node: str | None = None) -> tuple[shown.Installation, ...]:
        """List the releases supplied to a node, or to all nodes."""
        exact = {} if node is None else {"default_aggregate_reference": node}
        return tuple(
            self._search(
                ("Software Installation",), exact,
                shown.INSTALLATION_COLUMNS, shown.read_installation,
            )
        )  # fmt: skip

    def supply(self, url: str, node: str, state: ReleaseState = ReleaseState.AVAILABLE) -> None:
        said = {"software_release_uri": url, "computer_guid": node, "state": state.value}
        self._call("slapos.post.v0.software_installation", said, repeatable=True)

    def cordon(self, node: str, reason: str, *, until: str = "") -> None:
        """Have a node take nothing new, for good or until a moment."""
        said = {"computer_guid": node, "reason": reason, "until": until or None}
        self._call("slapos.put.WIP.compute_node_cordon", leave_out(said))

    def uncordon(self, node: str) -> None:
        self._call("slapos.put.WIP.compute_node_uncordon", {"computer_guid": node})

    def drain(
        self, node: str, reason: str, *, until: str = "", move: bool = False
    ) -> tuple[shown.Left, ...]:
        """Want a node empty, by a moment or at once; tell what is to move at once."""
        said = {"computer_guid": node, "reason": reason, "until": until or None, "move": move}
        told = self._call("slapos.put.WIP.compute_node_drain", leave_out(said))
        return tuple(map(shown.read_left, told.read_each("result_list")))

    def plan_move(self, instance: str) -> shown.Plan:
        """Ask where an instance would move; nothing is stored."""
        method = "slapos.get.WIP.software_instance_move_plan"
        return shown.read_plan(self._read(method, instance_guid=instance))

    def move(self, instance: str) -> shown.Instance:
        """Move an instance to another node: its place, and not its data."""
        said = {"instance_guid": instance}
        return shown.read_instance(self._call("slapos.put.WIP.software_instance_move", said))

    def list_products(self, project: str = "") -> tuple[shown.Product, ...]:
        said = {"project_guid": project} if project else {}
        told = self._read("slapos.allDocs.WIP.software_product_list", **said)
        return tuple(map(shown.read_product, told.read_each("result_list")))

    def add_product(self, title: str, *, project: str = "") -> shown.Product:
        said = leave_out({"title": title, "project_guid": project or None})
        return shown.read_product(self._call("slapos.post.WIP.software_product", said))

    def add_release(
        self, product: str, url: str, *, title: str = "", effective: str = "", project: str = ""
    ) -> shown.Product:
        """Publish a release of a product, from the date ``effective`` on; else from now on."""
        said = {
            "software_product": product,
            "software_release_uri": url,
            "title": title or None,
            "effective_date": effective or None,
            "project_guid": project or None,
        }
        return shown.read_product(self._call("slapos.post.WIP.software_release", leave_out(said)))

    def make_node_token(self, *, project: str = "") -> str:
        """Get a one-time token that registers a node."""
        query = {"project_reference": project} if project else None
        told = self._look("/computer_module/Base_getComputerToken", query)
        token = told.read_text("access_token")
        if not token:
            raise ProtocolError("the master's answer holds no token")
        return token

    def _read(self, method: str, **said: str) -> Attributes:
        return self._call(method, said, repeatable=True)

    def _call(self, method: str, said: JSON, *, repeatable: bool = False) -> Attributes:
        told = self.connection.call(method, said, repeatable=repeatable)
        return Attributes(told, "the answer")

    def _look(self, path: str, query: Mapping[str, str] | None = None) -> Attributes:
        question = Question(path=f"{HATEOAS}{path}", query=query, repeatable=True)
        return Attributes(read_body(self.connection.ask(question).body), "the answer")

    def _search(
        self,
        kinds: tuple[str, ...],
        exact: Mapping[str, str],
        columns: tuple[str, ...],
        read: Callable[[Attributes], Row],
    ) -> Iterator[Row]:
        query = write_query(kinds, exact)
        start = 0
        while True:
            limit = f"{start},{self._page}"
            page = self._find_page({"query": query, "select_list": columns, "limit": limit})
            yield from map(read, page.read_part("_embedded").read_each("contents"))
            if not page.read_part("_links").says("next"):
                return
            start += self._page

    def _find_page(self, query: Mapping[str, str | tuple[str, ...]]) -> Attributes:
        question = Question(path=f"{HATEOAS}/search", query=query, repeatable=True)
        try:
            answer = self.connection.ask(question)
        except NotFound as error:
            raise NotOffered("this master has no search") from error
        return Attributes(read_body(answer.body), "the answer")


def write_query(kinds: tuple[str, ...], exact: Mapping[str, str]) -> str:
    """Write a search in the catalogue's language."""
    kind = ", ".join(map(quote, kinds))
    terms = [f"portal_type:({kind})", *(f"{key}:{quote(value)}" for key, value in exact.items())]
    return " AND ".join(terms)


def quote(text: str) -> str:
    return '"' + SPECIAL.sub(r"\\\g<0>", text) + '"'


def leave_out(said: JSON) -> JSON:
    """Leave out what is not said."""
    return {name: value for name, value in said.items() if value is not None}
