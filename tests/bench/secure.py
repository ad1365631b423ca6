"""Our master as it is meant to run: TLS, a client certificate on every connection, no SlapProxy.

The legacy client makes a connection per request, and so a handshake; who keeps the connection
is measured beside it.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

from slapcore.protocol import marshal
from tests.bench import wire
from tests.bench.content import World
from tests.bench.load import Crowd
from tests.bench.load import Door
from tests.bench.measure import Comparison
from tests.bench.measure import Effort
from tests.bench.peers import Peer
from tests.bench.report import Line
from tests.bench.rows import Row
from tests.bench.rows import information
from tests.bench.rows import pairs
from tests.bench.rows import request
from tests.bench.rows import tell

SETTINGS = """\
[slapmaster]
data_directory = {root}/var
listen = 127.0.0.1:{port}
"""
PROGRAM = Path(sys.executable).parent / "slapmaster"


class Secure(Peer):
    """A master with its authority; the door is the first operator's."""

    name = "slapmaster serve (TLS)"

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.configuration = self.root / "slapmaster.ini"
        self.configuration.write_text(SETTINGS.format(root=self.root, port=self.door.port))
        keys = self.root / "keys"
        init = ["init", "--operator", "Bench", "--email", "bench@example.com"]
        words = [PROGRAM, "--config", self.configuration, *init, "--certificate-directory", keys]
        subprocess.run(words, check=True, capture_output=True)
        certificate, key = sorted(keys.iterdir(), key=lambda path: "key" in path.name)
        self.door = replace(self.door, certificate=str(certificate), key=str(key))

    def command(self) -> Sequence[str | Path]:
        return [PROGRAM, "--config", self.configuration, "serve"]


@dataclass(frozen=True)
class Entrance:
    """A server as one asker reaches it, with a certificate of their own."""

    name: str
    door: Door
    rest: str = ""


def measure_secure(crowd: Crowd, root: Path, effort: Effort) -> list[Line]:
    with Secure(root / "secure") as peer:
        person = World(peer)
        node, entrance = register(person)
        person.format(node, 100)
        person.fill(node, 50)
        machine = World(entrance, placed=person.placed)
        started = tell("/startedComputerPartition", node, {})
        lines = []
        for keep_alive in (False, True):
            kind = "connection kept" if keep_alive else "a handshake each"
            kept = replace(effort, keep_alive=keep_alive)
            for world, rows in (
                (machine, pairs("full information, 100 partitions", 1, information(node))),
                (machine, pairs("startedComputerPartition, unchanged", 1, started)),
                (person, pairs("the same request again", 1, request(node, "0"))),
            ):
                lines += measure(Comparison(crowd, [world], kept), rows, kind)
        return lines


def measure(comparison: Comparison, rows: list[Row], kind: str) -> list[Line]:
    name = comparison.worlds[0].peer.name
    return [
        Line(f"TLS, {kind}: {row.name}", row.clients, 0, comparison.measure(row), name, "")
        for row in rows
    ]


def register(world: World) -> tuple[str, Entrance]:
    """Register a node as its owner; give its reference, and the server as it reaches it."""
    asked = wire.post(world.host, "/requestComputer", {"computer_title": "bench"})
    node = marshal.decode(world.say(asked)).args[0]
    asked = wire.post(world.host, "/generateComputerCertificate", {"computer_id": node})
    answer = marshal.decode(world.say(asked))
    paths = {name: world.peer.root / f"{node}.{name}" for name in ("certificate", "key")}
    for name, path in paths.items():
        path.write_text(answer[name])
    own = {name: str(path) for name, path in paths.items()}
    return node, Entrance(world.peer.name, replace(world.peer.door, **own))
