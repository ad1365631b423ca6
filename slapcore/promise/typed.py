"""Types of promises: ready-made ones that a release uses by name and options.

Every type takes the options of ``COMMON``, and those that it names itself; any other is refused
when the instance is built.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import ClassVar

from slapcore.errors import InvalidValue
from slapcore.promise.folder import PromiseFolder
from slapcore.promise.folder import read_json
from slapcore.promise.folder import replace_file
from slapcore.promise.promise import Promise
from slapcore.promise.promise import Setting
from slapcore.promise.result import Result

COMMON = {
    "frequency": "minutes between two looks (2, of a certificate 60)",
    "failures": "failed looks in a row that make an anomaly (3)",
    "bang-on-failure": "whether an anomaly has the instance processed again (true)",
}


class TypedPromise(Promise):
    """A ready-made promise.

    ``needs`` are the options that have to be given, ``takes`` those that may be: name -> what it
    means, with its default.
    """

    needs: ClassVar[Mapping[str, str]] = {}
    takes: ClassVar[Mapping[str, str]] = {}

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.periodicity = self.number("frequency", self.periodicity)
        if self.periodicity <= 0:
            raise InvalidValue("a promise is looked at every so many minutes, not every 0")

    def anomaly(self) -> Result:
        failures = max(1, int(self.number("failures", 3)))
        return self.judge_anomaly(looks=failures, failures=failures)

    @classmethod
    def check_options(cls, options: Mapping[str, Any]) -> None:
        """Refuse options that the type doesn't know, and a missing one that it needs."""
        known = {**cls.needs, **cls.takes, **COMMON}
        for name in options:
            if name not in known:
                raise InvalidValue(f"no option {name}; there are {', '.join(sorted(known))}")
        for name in cls.needs:
            if options.get(name) in (None, ""):
                raise InvalidValue(f"the option {name} is missing: {cls.needs[name]}")

    def words(self, name: str, default: str = "") -> list[str]:
        """Give an option that holds a list: one per line."""
        lines = self.option(name, default).splitlines()
        return [line.strip() for line in lines if line.strip()]

    def remember(self) -> dict[str, Any]:
        """Give what the promise kept at its last look; nothing at the first."""
        return read_json(self._memory)

    def keep(self, value: Mapping[str, Any]) -> None:
        """Keep something until the next look."""
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._memory, json.dumps(value))

    @property
    def _memory(self) -> Path:
        folder = PromiseFolder(self.setting.partition)
        return folder.kept / "memory" / f"{self.setting.title}.json"
