"""``slapmaster:switch-softwaretype``: builds the profile of the instance's software type.

Each option is a software type and where its profile is, as ``section:option``; ``default`` stands
for the type that nobody named, too.  What ``[slap-configuration]`` and ``[slap-connection]`` say is
said in that profile as well.
"""

import json
from typing import Any

from zc.buildout.buildout import Buildout

from slapcore.recipe.partition import CONNECTION
from slapcore.recipe.section import Section

CONFIGURATION = "slap-configuration"
#: What an older type of root instances is called.
OLD_DEFAULT = "RootSoftwareInstance"
NOOP = "slapmaster:switch-softwaretype.noop"
VALUES = "-values"
#: how JSON writes what buildout would take for a reference
DOLLAR = "\\u0024"
NO_TYPES = ("recipe", "override")
#: options of buildout itself that hold in the profile of the type as well
PASSED_ON = (
    *("bin-directory", "develop-eggs-directory", "directory", "download-cache", "eggs-directory"),
    *("eggs-directory-version", "newest", "offline", "verbosity"),
)


class _Inner(Buildout):
    """A buildout within a buildout, which writes to the log of the outer one."""

    def __init__(self, outer: Any, profile: str, options: list[tuple[str, str, str]]) -> None:  # noqa: ANN401
        self._logger = outer._logger
        self._log_level = outer._log_level
        super().__init__(profile, options, use_user_defaults=False)

    def _setup_logging(self) -> None:
        return


class Recipe:
    """Builds the profile of the instance's software type."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        self._configuration = section.other(CONFIGURATION)
        wanted = self._configuration.text("slap-software-type")
        known = [n for n in options if n not in NO_TYPES and not n.startswith(("-", "<"))]
        if wanted not in known and wanted == OLD_DEFAULT:
            wanted = "default"
        if wanted not in known:
            raise section.fail(f"there is no software type {wanted}, only {', '.join(known)}")
        self._profile = str(section.read(section.text(wanted)))

    def install(self) -> list[str]:
        outer = self._section.buildout
        options = [("buildout", "installed", f".installed-{self._section.name}.cfg")]
        options += [
            ("buildout", name, outer["buildout"][name])
            for name in PASSED_ON
            if name in outer["buildout"]
        ]
        options += self._list_connection()
        values = {n: self._configuration.read(f":{n}") for n in self._configuration.options}
        options.append((CONFIGURATION, "recipe", NOOP))
        options.append((CONFIGURATION, VALUES, json.dumps(values).replace("$", DOLLAR)))
        _Inner(outer, self._profile, options).install([])
        return []

    update = install

    def _list_connection(self) -> list[tuple[str, str, str]]:
        if CONNECTION not in self._section.buildout:
            return []
        connection = self._section.other(CONNECTION).options
        return [(CONNECTION, name, connection[name]) for name in connection]


class NoOperation:
    """Says in the inner profile what ``[slap-configuration]`` says in the outer one."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        section = Section(buildout, name, options)
        values = json.loads(section.text(VALUES))
        del options[VALUES]
        for key, value in values.items():
            if key != "recipe":
                section.put(key, value)

    def install(self) -> list[str]:
        return []

    update = install
