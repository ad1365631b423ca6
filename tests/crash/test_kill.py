"""Nothing acknowledged is lost when the server is killed, whatever it was doing.

Writers of every kind work until the server dies in the middle of it.  Each keeps what was
acknowledged; after the next start all of it must be there.  What got no answer may be there or
not, but not in part.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import pytest

from slapcore.protocol import marshal
from tests.served import Lost
from tests.served import Served
from tests.served import check_stored

WRITERS = 4
PARTITIONS = 400
#: Seconds until the server is killed: at random, so that it dies at whatever point.
LIFE = (0.05, 0.6)
#: So many kills are followed by an orderly end.  After kills only, each start would read all that
#: was ever written: where the records lie is saved at an end, not at a kill.
KILLS_IN_A_ROW = 25


@dataclass
class Kept:
    """What one writer was told is done: for each title its place and its last parameters.

    ``doubtful`` are values sent without an answer.
    """

    name: str
    numbers: itertools.count = field(default_factory=itertools.count)
    places: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    doubtful: dict[str, set[str]] = field(default_factory=dict)
    acknowledged: int = 0


def ask_for_new(server: Served, kept: Kept) -> None:
    title = f"{kept.name}-{next(kept.numbers)}"
    answer = server.request(title, value="0")
    kept.places[title] = answer.attributes["slap_computer_partition_id"]
    kept.values[title] = "0"


def change_parameter(server: Served, kept: Kept) -> None:
    title = random.choice(sorted(kept.places))
    value = str(next(kept.numbers))
    kept.doubtful.setdefault(title, set()).add(value)
    server.request(title, value=value)
    kept.values[title] = value
    kept.doubtful[title] = set()


def publish(server: Served, kept: Kept) -> None:
    title = random.choice(sorted(kept.places))
    value = str(next(kept.numbers))
    key = f"connection of {title}"
    kept.doubtful.setdefault(key, set()).add(value)
    xml = marshal.encode({"url": value}).decode()
    done = server.post(
        "setComputerPartitionConnectionXml", kept.places[title], connection_xml=xml
    )
    assert done == 200
    kept.connections[title] = value
    kept.doubtful[key] = set()


def destroy(server: Served, kept: Kept) -> None:
    title = random.choice(sorted(kept.places))
    place = kept.places.pop(title)
    kept.values.pop(title)
    kept.connections.pop(title, None)
    server.request(title, state="destroyed", value="0")
    assert server.post("destroyedComputerPartition", place) == 200
    kept.gone.add(title)


def say_something(server: Served, kept: Kept) -> None:
    title = random.choice(sorted(kept.places))
    assert server.post("startedComputerPartition", kept.places[title]) == 200
    assert server.post("softwareInstanceBang", kept.places[title], message="again") == 200


CHANGES: tuple[Callable[[Served, Kept], None], ...] = (
    ask_for_new, ask_for_new, change_parameter, publish, destroy, say_something,
)  # fmt: skip


def work(server: Served, kept: Kept) -> None:
    """Change things until the server is gone."""
    while True:
        change = random.choice(CHANGES) if len(kept.places) > 3 else ask_for_new
        if len(kept.places) > PARTITIONS // WRITERS - 10:
            change = destroy
        try:
            change(server, kept)
        except Lost:
            return
        kept.acknowledged += 1


def compare(server: Served, kept: Kept) -> None:
    """Find everything that ``kept`` was told is done."""
    living = [one.attributes for one in server.partitions() if "_parameter_dict" in one.attributes]
    found = {
        attributes["_parameter_dict"]["instance_title"]: attributes
        for attributes in living
        if attributes["_requested_state"] != "destroyed"
    }
    for title, place in kept.places.items():
        assert title in found, f"{title} was acknowledged and is lost"
        assert found[title]["_partition_id"] == place
        value = found[title]["_parameter_dict"]["value"]
        assert value in {kept.values[title]} | kept.doubtful.get(title, set())
        url = found[title]["_connection_dict"].get("url")
        sent = kept.doubtful.get(f"connection of {title}", set())
        assert url in {kept.connections.get(title)} | sent
    for title in kept.gone:
        assert title not in found, f"{title} was destroyed and is back"


def tidy(server: Served, known: set[str]) -> None:
    """Make room: let go of what was asked for without an answer, and finish what was to go."""
    for one in server.partitions():
        if "_parameter_dict" not in one.attributes:
            continue
        title = one.attributes["_parameter_dict"]["instance_title"]
        if one.attributes["_requested_state"] != "destroyed":
            if title in known:
                continue
            server.request(title, state="destroyed", value="0")
        assert server.post("destroyedComputerPartition", one.attributes["_partition_id"]) == 200


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, cycles: int) -> None:
    server = Served(tmp_path)
    server.start()
    server.format(PARTITIONS)
    kept = [Kept(f"writer{number}") for number in range(WRITERS)]
    try:
        for cycle in range(1, cycles + 1):
            threads = [threading.Thread(target=work, args=(server, one)) for one in kept]
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(*LIFE))
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            if cycle % KILLS_IN_A_ROW == 0:
                server.stop()
                server.start()
            for one in kept:
                compare(server, one)
            tidy(server, {title for one in kept for title in one.places})
    finally:
        server.stop()
    done = sum(one.acknowledged for one in kept)
    assert done > cycles
    print(f"{cycles} kills, {done} acknowledged changes, none lost")
    check_stored(tmp_path)
