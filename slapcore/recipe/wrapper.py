"""``slapmaster:wrapper``: writes a program that runs a command.

Options: ``command-line`` (quoted as for a shell, which never sees it), ``wrapper-path``,
``environment`` (lines of ``NAME = value``), ``wait-for-files``, ``pidfile``, ``sig-ign``,
``redirect-stdout``, ``redirect-stderr``, and ``hash-files`` and ``hash-existing-files``: a digest
of these ends the program's name, so that it is restarted when they change.
"""

import hashlib
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slapcore.recipe.section import Section

MODE = 0o700
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: what some wrappers of others can do and these can't
NOT_OFFERED = ("private-tmpfs", "redirect-signal", "reserve-cpu")


class Recipe:
    """Writes a program that runs a command."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        for option in NOT_OFFERED:
            if section.find(option):
                raise section.fail(f"{option} is not offered")
        self._path = section.path("wrapper-path")
        self._script = "\n".join(self._write_script()) + "\n"
        self._files = [*section.words("hash-files"), *section.words("hash-existing-files")]
        self._read_existing()

    def _read_existing(self) -> None:
        """Have buildout make this anew when one of the files changes that are there already."""
        existing = self._section.words("hash-existing-files")
        if existing:
            self._section.options["-digest"] = self._digest(existing)

    def _digest(self, files: list[str]) -> str:
        total = hashlib.sha256()
        for name in files:
            try:
                content = Path(name).read_bytes()
            except OSError as error:
                raise self._section.fail(f"{name} can't be read: {error.strerror}") from error
            total.update(hashlib.sha256(content).digest())
        return total.hexdigest()[:32]

    def _write_script(self) -> Iterator[str]:
        section = self._section
        try:
            words = shlex.split(section.text("command-line"))
        except ValueError as error:
            raise section.fail(f"command-line can't be split: {error}") from error
        yield "#!/bin/sh -e"
        yield f"# Written by the recipe of [{section.name}]; what is changed here is lost."
        for name, value in section.pairs("environment"):
            if not NAME.fullmatch(name):
                raise section.fail(f"environment has a name that is none: {name}")
            yield f"export {name}={shlex.quote(value)}"
        for name in section.words("wait-for-files"):
            yield f"until test -e {shlex.quote(name)}; do sleep 0.5; done"
        yield from self._write_signals()
        yield from self._write_pidfile()
        ends = [
            f" {sign} {shlex.quote(section.find(option))}"
            for option, sign in (("redirect-stdout", ">>"), ("redirect-stderr", "2>>"))
            if section.find(option)
        ]
        yield f"exec {shlex.join(words)} \"$@\"{''.join(ends)}"

    def _write_signals(self) -> Iterator[str]:
        for name in self._section.words("sig-ign"):
            short = name.upper().removeprefix("SIG")
            if not hasattr(signal, f"SIG{short}"):
                raise self._section.fail(f"sig-ign has a signal that is none: {name}")
            yield f"trap '' {short}"

    def _write_pidfile(self) -> Iterator[str]:
        path = self._section.find("pidfile")
        if not path:
            return
        own = shlex.quote(path)
        yield f'if test -s {own} && kill -0 "$(cat {own})" 2>/dev/null; then'
        yield f"  echo {shlex.quote(f'{path} belongs to a process that runs')} >&2"
        yield "  exit 1"
        yield "fi"
        yield f"echo $$ > {own}"

    def install(self) -> list[str]:
        path = self._path
        if self._files:
            path = path.with_name(f"{path.name}-{self._digest(self._files)}")
            self._remove_others(path)
        return [self._section.write(path, self._script, MODE)]

    update = install

    def _remove_others(self, kept: Path) -> None:
        """Remove the programs that were named after what the files said before."""
        pattern = re.compile(rf"{re.escape(self._path.name)}-[0-9a-f]{{32}}")
        if self._path.parent.is_dir():
            for path in self._path.parent.iterdir():
                if pattern.fullmatch(path.name) and path != kept:
                    path.unlink()
