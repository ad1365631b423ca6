"""``slapmaster:request``: asks for another instance, or for a share in one.

Options: ``name``, ``software-url``, ``software-type``, ``shared``, ``state``, ``config-…``
(parameters), ``sla-…`` (demands on its place), and ``return``, the parameters that it has to
have published; they are given as ``connection-…``.  Given as well: ``instance-guid``,
``instance-state``, ``requested-state``.

``request`` fails while the instance doesn't publish what is wanted, and the node tries again;
``requestoptional`` goes on.  The ``.serialised`` ones have all parameters in one, as JSON.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slapcore.errors import NotFound
from slapcore.errors import NotReady
from slapcore.errors import Unavailable
from slapcore.protocol.documents import InstanceView
from slapcore.recipe.partition import CONNECTION
from slapcore.recipe.partition import Door
from slapcore.recipe.partition import Own
from slapcore.recipe.publish import read_serialised
from slapcore.recipe.publish import write_serialised
from slapcore.recipe.section import Section
from slapcore.slap.wish import DEFAULT_TYPE
from slapcore.slap.wish import Wish
from slapcore.states import InstanceState

log = logging.getLogger(__name__)

#: Where the node reads which children were asked for.
TRANSACTION = ".slapos-request-transaction-{}"


class Recipe:
    """Asks for an instance, and needs what it publishes."""

    optional = False
    serialised = False

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        self._door = Door(section, Own.PRESENT)
        for option in ("config", "sla"):
            if option in options:
                raise section.fail(f"{option} is obsolete: every {option}-… counts by itself")
        self._wanted = section.words("return")
        wish = self._read_wish()
        section.put("requested-state", wish.state.value)
        self._problem = ""
        published: Mapping[str, Any] = {}
        view = self._ask(wish)
        if view is not None:
            published = self._read_published(view)
            section.put("instance-guid", view.instance_guid)
            section.put("instance-state", view.state)
        for key in self._wanted:
            section.put(f"connection-{key}", published.get(key, ""))
        missing = [key for key in self._wanted if key not in published]
        if missing and not self._problem:
            self._problem = f"{wish.title} has not published {', '.join(missing)} yet"

    def _read_wish(self) -> Wish:
        section = self._section
        parameters = section.prefixed("config-")
        return Wish(
            title=section.find("name") or section.name,
            release_url=section.text("software-url"),
            software_type=section.find("software-type") or DEFAULT_TYPE,
            state=self._read_state(),
            parameters=write_serialised(self._read_values()) if self.serialised else parameters,
            demands={name: value for name, value in section.prefixed("sla-").items() if value},
            shared=section.answer("shared", False),
        )

    def _read_values(self) -> dict[str, Any]:
        names = [name for name in self._section.options if name.startswith("config-")]
        return {n.removeprefix("config-"): self._section.read(f":{n}") for n in names}

    def _read_state(self) -> InstanceState:
        """Read the state; by default a child stops with its parent, and starts with it."""
        own = ""
        if CONNECTION in self._section.buildout:
            own = self._section.other(CONNECTION).find("requested-state", "requested")
        default = own if own in ("started", "stopped") else "started"
        return InstanceState(self._section.choose("state", list(InstanceState), default))

    def _ask(self, wish: Wish) -> InstanceView | None:
        with self._door.open() as instance:
            try:
                view = instance.request(wish)
            except (NotReady, NotFound, Unavailable) as error:
                self._problem = f"{wish.title} is not there yet: {error}"
                return None
            finally:
                self._note(wish)
        return view

    def _note(self, wish: Wish) -> None:
        """Note what was asked for where the node looks for it."""
        root = os.environ.get("SLAPGRID_INSTANCE_ROOT", "")
        name = self._door.require("partition")
        folder = Path(root, name) if root else Path(self._section.buildout["buildout"]["directory"])
        if folder.is_dir():
            with (folder / TRANSACTION.format(name)).open("a", encoding="utf-8") as file:
                file.write(f"{wish.title}\n")

    def _read_published(self, view: InstanceView) -> Mapping[str, Any]:
        if not self.serialised:
            return view.connection
        try:
            return read_serialised(view.connection)
        except ValueError as error:
            raise self._section.fail(f"what {view.title} published is no JSON: {error}") from error

    def install(self) -> list[str]:
        if self._problem and not self.optional:
            raise self._section.fail(self._problem)
        if self._problem:
            log.warning("%s: %s", self._section.name, self._problem)
        return []

    update = install


class Optional(Recipe):
    """Asks for an instance, and goes on without it."""

    optional = True


class Serialised(Recipe):
    """Asks with all parameters in one, as JSON."""

    serialised = True


class OptionalSerialised(Recipe):
    """Asks with all parameters in one, as JSON, and goes on without an answer."""

    optional = True
    serialised = True
