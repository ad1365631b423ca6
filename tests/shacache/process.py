"""The command ``shacache`` as people run it, and its server in a process of its own."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from shacache.cli import main
from tests.commands import PATIENCE
from tests.commands import Server
from tests.commands import started

COMMAND = [sys.executable, "-m", "shacache"]
OPEN = ("--listen", "127.0.0.1:0", "--open-networks", "127.0.0.0/8")


@dataclass(frozen=True)
class Shacache:
    """The commands of one cache."""

    directory: Path

    def words(self, *words: object) -> list[str]:
        return [*COMMAND, "--directory", str(self.directory), *map(str, words)]

    def run(self, *words: object, code: int = 0) -> str:
        """Run a command; give what it says, on standard error when it fails.

        That is in this process: starting another one takes longer than what it does.
        """
        done = CliRunner().invoke(main, self.words(*words)[len(COMMAND) :])
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.output}"
        return done.stderr if code else done.stdout

    def run_apart(self, *words: object) -> str:
        """Run a command in a process of its own."""
        done = subprocess.run(
            self.words(*words), capture_output=True, text=True, timeout=PATIENCE, check=True
        )
        assert done.stderr == ""
        return done.stdout

    def read(self, *words: object) -> Any:
        return json.loads(self.run(*words, "--json"))

    @contextmanager
    def serving(self, *words: str) -> Iterator[Server]:
        with started(self.words("serve", *(words or OPEN)), dict(os.environ)) as server:
            yield server

    def start(self, *, largest_file: int = 0) -> tuple["subprocess.Popen[str]", int]:
        """Start a server that is to be killed, and give its port.

        With ``largest_file`` its disk is full for whatever grows beyond that.
        """

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        process = subprocess.Popen(
            self.words("serve", *OPEN, "--log-level", "ERROR"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=limit if largest_file else None,
        )
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        return process, int(line.rpartition(":")[2])
