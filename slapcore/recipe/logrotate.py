"""``slapmaster:logrotate`` and ``slapmaster:logrotate.d``: logs that are rotated.

The first writes the configuration (``conf``) that takes in a folder (``logrotate-entries``), and
the program (``wrapper``) that runs ``logrotate-binary`` with it and a ``state-file``.  The second
writes one entry of that folder: ``name``, ``log``, ``backup``, ``post``, ``pre``, ``frequency``,
``rotate-num``, and more lines in ``options``.
"""

import re
import shlex
from typing import Any

from slapcore.recipe.section import Section

FREQUENCIES = ("hourly", "daily", "weekly", "monthly", "yearly")
#: what logrotate calls it -> the option
PROGRAMS = (("compresscmd", "gzip-binary"), ("uncompresscmd", "gunzip-binary"))
NAME = re.compile(r"[A-Za-z0-9._-]+")


class Recipe:
    """Writes the configuration of logrotate, and a program that runs it."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        self._conf, self._wrapper = section.path("conf"), section.path("wrapper")
        program, state = section.text("logrotate-binary"), section.text("state-file")
        words = [program, "-s", state, str(self._conf)]
        self._script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
        lines = [
            f"{command} {_quote(section, section.find(option))}"
            for command, option in PROGRAMS
            if section.find(option)
        ]
        lines.append(f"include {_quote(section, section.text('logrotate-entries'))}")
        self._lines = "\n".join([*lines, "compressoptions -9", ""])

    def install(self) -> list[str]:
        conf = self._section.write(self._conf, self._lines, 0o600)
        return [conf, self._section.write(self._wrapper, self._script, 0o700)]

    update = install


class Entry:
    """Writes one entry: which logs, how often, and what is done before and after."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        own = section.find("name") or name
        if not NAME.fullmatch(own):
            raise section.fail(f"name is no name of a file: {own}")
        self._path = section.path("logrotate-entries") / own
        logs = [_quote(section, log) for log in section.words("log")]
        if not logs:
            raise section.fail("the option log is missing")
        body = "\n".join(f"  {line}" for line in self._list_lines())
        self._content = f"{' '.join(logs)} {{\n{body}\n}}\n"

    def _list_lines(self) -> list[str]:
        section = self._section
        count = section.find("rotate-num") or "3650"
        if not count.isdigit():
            raise section.fail(f"rotate-num is no number: {count}")
        lines = [section.choose("frequency", FREQUENCIES, "daily"), f"rotate {count}"]
        lines += ["dateext", "compress", "delaycompress", "notifempty", "sharedscripts", "create"]
        if section.find("backup"):
            lines.append(f"olddir {_quote(section, section.find('backup'))}")
        lines += section.lines("options")
        for option, word in (("pre", "prerotate"), ("post", "postrotate")):
            if section.find(option):
                lines += [word, *section.lines(option), "endscript"]
        return lines

    def install(self) -> list[str]:
        return [self._section.write(self._path, self._content, 0o600)]

    update = install


def _quote(section: Section, path: str) -> str:
    """Give a path as logrotate reads it; one that ends its own quotes would say something else."""
    if '"' in path or "\n" in path:
        raise section.fail(f"that is no path for logrotate: {path}")
    return f'"{path}"'
