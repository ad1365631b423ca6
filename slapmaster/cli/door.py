"""How a command reaches its master: the running server, or the database opened for once."""

import os
import time
from collections.abc import Callable
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from slapmaster.control.client import JSON
from slapmaster.control.client import Line
from slapmaster.control.client import NotRunning
from slapmaster.control.client import ask_server
from slapmaster.settings import Settings
from slapmaster.settings import read_settings

#: How long to wait for another command, or for a server that is just starting, in seconds.
PATIENCE = 10.0

Watcher = Callable[[Line], None]


def unwatched(line: Line) -> None:
    """Let a line of progress pass."""


class Door:
    """Where a command's master is: its settings, and the way to ask it."""

    def __init__(self, config: Path | None, directory: Path | None) -> None:
        self._config = config
        self._overrides: dict[str, str] = {}
        if directory is not None:
            self.override("data_directory", str(directory.absolute()))

    @property
    def invocation(self) -> str:
        """How a command of this master begins, for people to copy."""
        if self._config is not None:
            return f"slapmaster --config {self._config}"
        return f"slapmaster --directory {self.settings.data_directory}"

    def override(self, key: str, value: str) -> None:
        """Have a setting be ``value`` whatever file and environment say."""
        self._overrides[f"SLAPMASTER_{key.upper()}"] = value

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self._config, {**os.environ, **self._overrides})

    def ask(self, name: str, /, *, watch: Watcher = unwatched, **arguments: JSON) -> JSON:
        """Run an operation of the control table and give its answer.

        ``watch`` is told of its progress.  Raises what the operation raises.
        """
        answer = None
        for line in self._lines(name, arguments):
            if "answer" in line:
                answer = line["answer"]
            else:
                watch(line)
        return answer

    def _lines(self, name: str, arguments: dict[str, JSON]) -> Iterator[Line]:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                yield from ask_server(self.settings.control_socket, name, arguments)
                return
            except NotRunning:
                pass
            # Only now: what opens a database takes long to import.
            from slapmaster.control import here
            from slapmaster.master import InUse

            try:
                yield from here.ask(self.settings, name, arguments)
                return
            except InUse:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
