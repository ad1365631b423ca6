"""How a command reaches its master: by the context that is meant."""

from functools import cached_property
from pathlib import Path

import click

from slapcore.cli.known import Contexts
from slapcore.cli.known import Known
from slapcore.cli.known import find_home
from slapcore.errors import ConfigurationError
from slapcore.slap.as_person import AsPerson
from slapcore.slap.master import Master


class Door:
    """Where a command's master is, and the person that asks it."""

    def __init__(self, home: Path | None, context: str | None) -> None:
        self.contexts = Contexts(home or find_home())
        self._context = context

    @cached_property
    def known(self) -> Known:
        """The master that is meant; raises ``ConfigurationError`` when none is."""
        name = self._context or self.contexts.current()
        if name:
            return self.contexts.read(name)
        names = self.contexts.names()
        if names:
            raise ConfigurationError(f"which master is meant? slapctl context use {names[0]}")
        raise ConfigurationError("no master is known yet: slapctl login URL")

    @cached_property
    def person(self) -> AsPerson:
        master = Master(self.contexts.target(self.known))
        click.get_current_context().call_on_close(master.close)
        return master.as_person()

    def project(self, named: str | None) -> str:
        """Give the project that is meant: the one named, or the context's."""
        return named or self.known.project
