"""Partitions with promises, made in a folder that any user may pass through."""

import json
import textwrap
from pathlib import Path

from slapcore.promise.launcher import Launcher
from slapcore.promise.launcher import Outcome
from slapcore.promise.launcher import Promising

#: A plugin as releases have it, around what it senses.
PLUGIN = """\
import sys
sys.path[0:0] = []
{head}
from slapos.grid.promise import interface
from slapos.grid.promise.generic import GenericPromise
from zope.interface import implementer

@implementer(interface.IPromise)
class RunPromise(GenericPromise):
    def __init__(self, config):
        super().__init__(config)
{init}
    def sense(self):
{sense}
{rest}
"""


def indent(text: str, by: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * by)


class Partition:
    """A partition, and what its promises come to."""

    def __init__(self, folder: Path, launcher: Launcher, name: str = "slappart0") -> None:
        self.folder = folder / name
        self.launcher = launcher
        self.python = ""
        for part in ("etc/plugin", "etc/promise"):
            (self.folder / part).mkdir(parents=True)

    def add(self, name, sense="self.logger.info('fine')", *, init="pass", rest="", head=""):
        """Add a plugin; ``rest`` is what follows ``sense`` in its class."""
        content = PLUGIN.format(
            head=textwrap.dedent(head),
            init=indent(init, 8),
            sense=indent(sense, 8),
            rest=indent(rest, 4),
        )
        return self.write(f"etc/plugin/{name}.py", content)

    def add_executable(self, name, content):
        path = self.write(f"etc/promise/{name}", f"#!/bin/sh\n{content}\n")
        path.chmod(0o755)
        return path

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def check(self, **how) -> Outcome:
        partition = Promising(
            name=self.folder.name, directory=self.folder, python=self.python, instance="web"
        )
        return self.launcher.check(partition, **how)

    def state(self, title="one"):
        """Give what a monitoring tool reads of a promise."""
        path = self.folder / f".slapgrid/promise/result/{title}.status.json"
        return json.loads(path.read_text())

    def history(self, title="one"):
        path = self.folder / f".slapgrid/promise/public/{title}.history.json"
        return json.loads(path.read_text())["data"]


def results(outcome: Outcome) -> dict[str, bool]:
    """Give title -> whether it failed."""
    return {status.title: status.result.problem for status in outcome.statuses}


def messages(outcome: Outcome) -> dict[str, str]:
    return {status.title: status.result.message for status in outcome.statuses}
