"""The masters that a person knows: each is a context with a name, a directory of its own.

- Everything is readable by its owner only, and a key that others may read is refused.
- What is written is whole: a file takes the place of the old one at once.
"""

import json
import os
import re
import shutil
import stat
import tempfile
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slapcore.errors import ConfigurationError
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.slap.as_node import Credentials
from slapcore.slap.connection import Target

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SETTINGS = "master.json"
CURRENT = "current"
AUTHORITY = "authority.crt"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A master as it is kept: ``fingerprint`` pins its certificate; the rest are flags."""

    name: str
    url: str
    fingerprint: str = ""
    has_authority: bool = False
    has_certificate: bool = False
    plain: bool = False
    #: Used where a command names none.
    project: str = ""


class Contexts:
    """All contexts, in a directory of the person's."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def names(self) -> list[str]:
        found = self.home.glob(f"*/{SETTINGS}") if self.home.is_dir() else iter(())
        return sorted(path.parent.name for path in found)

    def current(self) -> str:
        """Give the name of the context that is meant when none is said; may be empty."""
        path = self.home / CURRENT
        name = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
        names = self.names()
        return name if name in names else (names[0] if len(names) == 1 else "")

    def use(self, name: str) -> None:
        self.read(name)
        write_private(self.home / CURRENT, f"{name}\n")

    def read(self, name: str) -> Known:
        """Read a context; raises ``NotFound``."""
        path = self.folder(name) / SETTINGS
        if not path.is_file():
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"no master is known as {name!r}; known are: {known}")
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return Known(name=name, **found)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{path} can't be read: {error}") from error

    def write(self, known: Known, credentials: Credentials | None, authority: str) -> None:
        """Keep a master, and make it the one that is meant from now on."""
        folder = self.folder(known.name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if authority:
            write_private(folder / AUTHORITY, authority)
        if credentials is not None:
            write_private(folder / "key", credentials.key)
            write_private(folder / "certificate", credentials.certificate)
        settings = asdict(known)
        del settings["name"]
        write_private(folder / SETTINGS, json.dumps(settings, indent=2) + "\n")
        self.use(known.name)

    def remove(self, name: str) -> None:
        """Forget a master, and the key that it knows."""
        self.read(name)
        shutil.rmtree(self.folder(name))

    def folder(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise InvalidValue(f"{name!r} is no name: letters, digits, dots, dashes are allowed")
        return self.home / name

    def target(self, known: Known) -> Target:
        """Say how this master is reached; refuses a key that others may read."""
        folder = self.folder(known.name)
        key = folder / "key"
        if known.has_certificate and key.is_file() and key.stat().st_mode & (
            stat.S_IRWXG | stat.S_IRWXO
        ):  # fmt: skip
            raise ConfigurationError(f"others may read {key}: chmod 600 it, and get another one")
        return Target(
            url=known.url,
            certificate=folder / "certificate" if known.has_certificate else None,
            key=key if known.has_certificate else None,
            authority=folder / AUTHORITY if known.has_authority else None,
            fingerprint=known.fingerprint,
            plain=known.plain,
        )


def find_home() -> Path:
    """Say where contexts are kept when nobody says otherwise."""
    configuration = os.environ.get("XDG_CONFIG_HOME")
    return (Path(configuration) if configuration else Path.home() / ".config") / "slapctl"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; the old one is there until the new one is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
