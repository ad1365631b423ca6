"""Which Python a promise runs in.

- The one that its own file names in the first line; else the release's; else the node's.
- The release's is the one that its ``bin/buildout`` names.
- Where it is the node's own, nothing has to be started: the process is forked.
"""

import os
import re
import shlex
import sys
from pathlib import Path

_PYTHON = re.compile(r"python[0-9.]*$")


def read_interpreter(head: str) -> str:
    """Read which Python the beginning of a script names; an empty text when it names none."""
    lines = head.splitlines()
    if not lines or not lines[0].startswith("#!"):
        return ""
    words = lines[0][2:].split()
    if words and words[0] == "/bin/sh" and len(lines) > 1:
        # Longer than the kernel takes: buildout has it in the second line, for a shell.
        words = _split(lines[1])[1:]
    if len(words) > 1 and words[0] == "/usr/bin/env":
        return ""
    named = words[0] if words else ""
    return named if named.startswith("/") and _PYTHON.search(named) else ""


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def find_release_python(software: Path) -> str:
    """Find the Python that the release installed in ``software`` was built with."""
    try:
        with (software / "bin/buildout").open("rb") as file:
            head = file.read(2000).decode("utf-8", "replace")
    except OSError:
        return ""
    return read_interpreter(head)


def find_python(head: str, release_python: str) -> str | None:
    """Give the Python to start for a promise whose file begins so; None when it is this one."""
    wanted = read_interpreter(head) or release_python
    if not wanted or is_this_python(wanted):
        return None
    return wanted


def is_this_python(path: str) -> bool:
    """Tell whether ``path`` starts the interpreter that runs this, in the same environment."""
    if os.path.dirname(path) != os.path.dirname(sys.executable):
        return False
    return os.path.realpath(path) == os.path.realpath(sys.executable)
