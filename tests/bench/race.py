"""Who loses what when eight clients ask at once: titles, places, shared instances."""

from collections import Counter
from collections import defaultdict
from dataclasses import dataclass

from slapcore.protocol import marshal
from tests.bench import wire
from tests.bench.content import World
from tests.bench.content import send_all
from tests.bench.load import Crowd
from tests.bench.load import Sample

CLIENTS = 8
TITLES = 200
CONTESTED = 20
SHARED = 200


@dataclass(frozen=True)
class Outcome:
    """What became of the requests of one race."""

    name: str
    asked: int
    acknowledged: int
    #: Acknowledged, and not there afterwards.
    lost: int
    #: Places given to two titles, or titles put in two places.
    twice: int
    failures: int


def run_races(crowd: Crowd, world: World) -> list[Outcome]:
    """The world's server is new: nobody has asked it for anything yet."""
    world.format("race-titles", TITLES + 50)
    world.format("race-contested", CONTESTED * CLIENTS)
    world.format("race-shared", 5)
    return [
        race_for_places(crowd, world, "race-titles"),
        race_for_titles(crowd, world, "race-contested"),
        race_for_shares(crowd, world, "race-shared"),
    ]


def race_for_places(crowd: Crowd, world: World, node: str) -> Outcome:
    titles = [f"title-{number}" for number in range(TITLES)]
    sample, given = ask(crowd, world, node, [titles[i::CLIENTS] for i in range(CLIENTS)])
    there = occupants(world, node)
    return Outcome(
        f"{TITLES} titles by {CLIENTS} clients",
        asked=TITLES,
        acknowledged=sum(given.values()),
        lost=sum(1 for title, place in given if there.get(place) != title),
        twice=sum(1 for count in Counter(place for _, place in given).values() if count > 1),
        failures=sample.failures,
    )


def race_for_titles(crowd: Crowd, world: World, node: str) -> Outcome:
    titles = [f"contested-{number}" for number in range(CONTESTED)]
    sample, given = ask(crowd, world, node, [titles] * CLIENTS)
    there = occupants(world, node)
    places = defaultdict(set)
    for title, place in [*given, *((title, place) for place, title in there.items())]:
        places[title].add(place)
    return Outcome(
        f"{CONTESTED} titles, each by {CLIENTS} clients at once",
        asked=CONTESTED * CLIENTS,
        acknowledged=sum(given.values()),
        lost=sum(1 for title, place in given if there.get(place) != title),
        twice=sum(1 for each in places.values() if len(each) > 1),
        failures=sample.failures,
    )


def race_for_shares(crowd: Crowd, world: World, node: str) -> Outcome:
    world.say(world.request(node, "host"))
    requests = [world.request(node, f"share-{i}", shared=True) for i in range(SHARED)]
    sample = send_all(crowd, world, [requests[client::CLIENTS] for client in range(CLIENTS)])
    acknowledged = sample.statuses[200]
    listed = Counter(shares(world, node))
    return Outcome(
        f"{SHARED} shared instances on one host by {CLIENTS} clients",
        asked=SHARED,
        acknowledged=acknowledged,
        lost=acknowledged - len(listed),
        twice=sum(1 for count in listed.values() if count > 1),
        failures=sample.failures,
    )


def ask(
    crowd: Crowd, world: World, node: str, lists: list[list[str]]
) -> tuple[Sample, Counter[tuple[str, str]]]:
    """Let one client per list request its titles; count the answers of each (title, place)."""
    sample = send_all(crowd, world, [[world.request(node, one) for one in each] for each in lists])
    titles = [title for each in lists for title in each]
    given = [
        (title, wire.fields_of(body)["slap_computer_partition_id"])
        for title, (status, body) in zip(titles, sample.answers, strict=True)
        if status == 200
    ]
    return sample, Counter(given)


def occupants(world: World, node: str) -> dict[str, str]:
    """Read place -> title off the document that the node gets."""
    partitions = read_partitions(world, node)
    return {
        each["_partition_id"]: each["_parameter_dict"]["instance_title"]
        for each in partitions
        if each.get("_parameter_dict")
    }


def shares(world: World, node: str) -> list[str]:
    return [
        share["slave_title"]
        for each in read_partitions(world, node)
        if each.get("_parameter_dict")
        for share in each["_parameter_dict"]["slave_instance_list"]
    ]


def read_partitions(world: World, node: str) -> list[dict]:
    document = marshal.decode(world.say(world.information(node)))
    return [each.attributes for each in document.attributes["_computer_partition_list"]]
