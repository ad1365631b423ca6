"""What the node has obeyed: per partition, the last orders that were carried out.

It outlives the agent and the connection with the Master: without one, the last orders count.
``.timestamp`` in the partition says the same to the legacy node and to its tools.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from slapcore.node.host import Host
from slapcore.node.supervisor import replace_text

TIMESTAMP = ".timestamp"


@dataclass(frozen=True, kw_only=True)
class Obeyed:
    """The orders of a partition that were carried out; ``reported`` is what the Master knows."""

    master: str
    instance: str
    release: str
    state: str
    timestamp: int
    title: str = ""
    software_type: str = ""
    reported: str = ""


class Memory:
    """All that the node remembers of its partitions."""

    def __init__(self, host: Host) -> None:
        self._folder = host.state / "partitions"

    def find(self, partition: str) -> Obeyed | None:
        """Give what is remembered; what can't be read any more counts as nothing."""
        try:
            return Obeyed(**json.loads(self._path(partition).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def keep(self, partition: str, obeyed: Obeyed) -> None:
        if self.find(partition) != obeyed:
            self._folder.mkdir(exist_ok=True)
            replace_text(self._path(partition), json.dumps(asdict(obeyed)))

    def forget(self, partition: str) -> None:
        self._path(partition).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[str, Obeyed]]:
        """Give every partition that something is remembered of."""
        for path in sorted(self._folder.glob("*.json")):
            found = self.find(path.stem)
            if found is not None:
                yield path.stem, found

    def _path(self, partition: str) -> Path:
        return self._folder / f"{partition}.json"
