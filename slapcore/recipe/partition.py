"""The instance that a profile is built for, at its master's door.

What a recipe needs to speak to the master stands in the section ``slap-connection``, which the node
writes; a recipe may say otherwise in its own section.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from slapcore.errors import SlapError
from slapcore.recipe.section import Section
from slapcore.slap.as_instance import AsInstance
from slapcore.slap.connection import Target
from slapcore.slap.master import Master

CONNECTION = "slap-connection"

#: what it takes -> its names in sections, the present one first
NAMES = {
    "url": ("server-url", "url"),
    "certificate": ("cert-file", "cert"),
    "key": ("key-file", "key"),
    "authority": ("master-ca-file",),
    "fingerprint": ("master-fingerprint",),
    "computer": ("computer-id", "computer"),
    "partition": ("partition-id", "partition"),
}


class Own(IntEnum):
    """How many of these names mean the connection in a recipe's own section, too."""

    NONE = 0
    PRESENT = 1
    ALL = 2


@dataclass(frozen=True)
class Door:
    """The door of the master, as far as a section says where it is and who stands there."""

    section: Section
    own: Own = Own.NONE

    def find(self, what: str) -> str:
        """Find something of the connection, in the section or where the node has written it."""
        value = self.section.find(*NAMES[what][: self.own])
        if value or CONNECTION not in self.section.buildout:
            return value
        return self.section.other(CONNECTION).find(NAMES[what][0])

    def require(self, what: str) -> str:
        value = self.find(what)
        if not value:
            name = NAMES[what][0]
            raise self.section.fail(f"there is no {name}, neither here nor in [{CONNECTION}]")
        return value

    def find_path(self, what: str) -> Path | None:
        value = self.find(what)
        return Path(value) if value else None

    @contextmanager
    def open(self) -> Iterator[AsInstance]:
        """Speak to the master as the instance; its refusals are told with the section's name."""
        target = Target(
            url=self.require("url"),
            certificate=self.find_path("certificate"),
            key=self.find_path("key"),
            authority=self.find_path("authority"),
            fingerprint=self.find("fingerprint"),
        )
        computer, partition = self.require("computer"), self.require("partition")
        try:
            with Master(target) as master:
                yield master.as_instance(computer, partition)
        except SlapError as error:
            raise self.section.fail(f"the master says: {error}") from error
