"""What is measured: each row says which bytes its clients send and what ratio is aimed at."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import wire
from tests.bench.content import World
from tests.bench.load import Script

#: The query that the ``service list`` command sends.
SERVICES = 'portal_type:"Instance Tree" AND validation_state:validated'
#: Numbers that one client may use up in one round; there are eight digits for all of them.
SHARE = 10_000


@dataclass(frozen=True)
class Turn:
    """A client's part: it is number ``client`` of ``clients``, in the ``round``-th round."""

    client: int
    clients: int
    round: int

    def share(self, things: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return things[self.client :: self.clients]

    @property
    def first_number(self) -> int:
        return (self.round * self.clients + self.client) * SHARE


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    goal: float
    templates: Callable[[World, Turn], list[bytes]]
    clients: int = 1
    #: Each template is sent once before the clock runs, so that it changes nothing afterwards.
    warm: bool = True
    #: The requests of one round use up what the server has no more of than this.
    most: int = 0
    #: The node whose document the row asks for, if nginx can serve the same bytes.
    document: str = ""

    def script(self, world: World, turn: Turn) -> Script:
        return Script(tuple(self.templates(world, turn)), turn.first_number)


def information(node: str) -> Callable[[World, Turn], list[bytes]]:
    return lambda world, turn: [world.information(node)]


def register(node: str) -> Callable[[World, Turn], list[bytes]]:
    def templates(world: World, turn: Turn) -> list[bytes]:
        query = [
            {"computer_reference": node, "computer_partition_reference": place}
            for _, place in turn.share(world.placed[node])
        ]
        return [wire.get(world.host, "/registerComputerPartition", **each) for each in query]

    return templates


def request(node: str, value: str) -> Callable[[World, Turn], list[bytes]]:
    return lambda world, turn: [
        world.request(node, title, value) for title, _ in turn.share(world.placed[node])
    ]


def request_on(nodes: list[str]) -> Callable[[World, Turn], list[bytes]]:
    return lambda world, turn: [
        one for node in nodes for one in request(node, "0")(world, turn)
    ]


def new_request(nodes: list[str]) -> Callable[[World, Turn], list[bytes]]:
    """Requests for one node after the other; each client begins elsewhere."""

    def templates(world: World, turn: Turn) -> list[bytes]:
        start = turn.client * len(nodes) // turn.clients
        order = nodes[start:] + nodes[:start]
        return [world.request(node, f"new-{wire.NUMBER}") for node in order]

    return templates


def connection(node: str, value: str) -> Callable[[World, Turn], list[bytes]]:
    published = {"url": f"http://10.0.0.1:8080/{value}", "user": "admin", "password": "insecure"}
    fields = {"connection_xml": wire.marshalled(published), "slave_reference": "None"}
    return tell("/setComputerPartitionConnectionXml", node, fields)


def tell(path: str, node: str, fields: dict[str, str]) -> Callable[[World, Turn], list[bytes]]:
    return lambda world, turn: [
        wire.post_as_partition(world.host, path, node, place, **fields)
        for _, place in turn.share(world.placed[node])
    ]


def search(title_of: str = "") -> Callable[[World, Turn], list[bytes]]:
    """``service list``, or what ``service info`` sends for each title of a node."""

    def templates(world: World, turn: Turn) -> list[bytes]:
        if not title_of:
            return [world.search(SERVICES)]
        titles = [title for title, _ in turn.share(world.placed[title_of])]
        return [world.search(f'{SERVICES} AND title:="{title}"') for title in titles]

    return templates


def documents(node: str, partitions: int, goal: float) -> list[Row]:
    return [
        Row(
            f"full information, {partitions} partitions",
            goal,
            information(node),
            clients,
            document=node,
        )
        for clients in (1, 8)
    ]


def pairs(name: str, goal: float, templates: Callable[[World, Turn], list[bytes]]) -> list[Row]:
    return [Row(name, goal, templates, clients) for clients in (1, 8)]


def changes(name: str, templates: Callable[[World, Turn], list[bytes]]) -> list[Row]:
    return [Row(name, 2, templates, clients, warm=False) for clients in (1, 8)]


def small_rows(node: str) -> list[Row]:
    return [*documents(node, 10, 10), *pairs("service list, 5 services", 2, search())]


def large_rows(node: str) -> list[Row]:
    same = connection(node, "same")
    started = tell("/startedComputerPartition", node, {})
    return [
        *documents(node, 1000, 100),
        *pairs("registerComputerPartition", 2, register(node)),
        *pairs("startedComputerPartition, unchanged", 2, started),
        *changes("request with a changed parameter", request(node, wire.NUMBER)),
        *pairs("connection parameters, unchanged", 2, same),
        *changes("connection parameters, changed", connection(node, wire.NUMBER)),
        *pairs("service list, 555 services", 2, search()),
        *pairs("service info: search by title", 2, search(node)),
    ]


def crowd_rows(nodes: list[str], instances: int, most: int) -> list[Row]:
    """Rows that slow down with the number of instances, in places of which ``most`` are free."""
    same = [
        Row(f"the same request again, {instances:,} instances", 10, request_on(nodes), clients)
        for clients in (1, 8)
    ]
    new = [
        Row(f"new allocation, {instances:,} instances", 5, new_request(nodes), clients,
            warm=False, most=most // clients)
        for clients in (1, 8)
    ]
    return same + new
