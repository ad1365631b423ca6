"""Promise type: a log has said nothing bad since the last look.

- A log that was renamed is read to its end under its new name, then the fresh one from its start.
- One that was emptied is read from its start.
- What is written while it is read, up to half a line, is left for the next look.
- The first look only notes where the log ends, unless it is to begin at its start.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from slapcore.promise.typed import TypedPromise

#: Bytes that one look reads; of more, the rest is for the next one.
MAX_READ = 2**24
#: Lines that are told.
TOLD = 5


class LogPromise(TypedPromise):
    """A log has said nothing bad since the last look."""

    needs = {"path": "the log's file"}
    takes = {
        "levels": "words that make a line bad, one a line (ERROR and CRITICAL)",
        "patterns": "regular expressions that make a line bad, one a line; levels then has none",
        "ignore": "regular expressions of lines that are never bad, one a line",
        "most": "how many bad lines there may be in a look (0)",
        "from-start": "whether the first look reads what is there already (false)",
        "missing": "whether there may be no such file (false)",
    }

    @property
    def _path(self) -> Path:
        return Path(self.option("path"))

    def sense(self) -> None:
        bad: list[str] = []
        count = 0
        wanted, ignored = self._compile_wanted(), self._compile(self.words("ignore"))
        try:
            lines = list(self._read_new())
        except FileNotFoundError:
            say = self.log.info if self.answer("missing", False) else self.log.error
            say("there is no log %s", self._path)
            return
        for line in lines:
            if wanted.search(line) and not (ignored and ignored.search(line)):
                count += 1
                bad = [*bad, line.strip()[:500]][-TOLD:]
        if count > self.number("most", 0):
            told = "\n".join(bad)
            self.log.error("%s of %s lines are bad; the last: %s", count, len(lines), told)
        else:
            self.log.info("%s of %s new lines are bad", count, len(lines))

    def _compile_wanted(self) -> re.Pattern[str]:
        patterns = self.words("patterns")
        levels = self.words("levels", "" if patterns else "ERROR\nCRITICAL")
        words = [rf"\b{re.escape(level)}\b" for level in levels]
        return self._compile(patterns + words) or re.compile(r"(?!)")

    def _compile(self, patterns: list[str]) -> re.Pattern[str] | None:
        return re.compile("|".join(f"(?:{each})" for each in patterns)) if patterns else None

    def _read_new(self) -> Iterator[str]:
        """Read the lines that are new, and note where the next look begins."""
        before = self.remember()
        with self._path.open("rb") as file:
            known = os.fstat(file.fileno())
            inode, offset = before.get("inode"), before.get("offset", 0)
            if inode is None:
                offset = 0 if self.answer("from-start", False) else known.st_size
            elif inode != known.st_ino:
                yield from self._read_renamed(inode, offset, known.st_ino)
                offset = 0
            elif known.st_size < offset:
                offset = 0
            lines, offset = _read(file, offset)
        yield from lines
        self.keep({"inode": known.st_ino, "offset": offset})

    def _read_renamed(self, inode: int, offset: int, fresh: int) -> Iterator[str]:
        """Read the rest of the log that was renamed, and whatever came between it and now."""
        with os.scandir(self._path.parent) as entries:
            logs = [each for each in entries if each.name.startswith(self._path.stem)]
        logs = sorted(logs, key=lambda each: each.stat().st_mtime_ns)
        inodes = [each.inode() for each in logs]
        if inode not in inodes:
            self.log.warning("what %s said before it was renamed is not found", self._path)
            return
        for entry in logs[inodes.index(inode) :]:
            if entry.inode() != fresh and entry.is_file():
                with Path(entry.path).open("rb") as file:
                    yield from _read(file, offset if entry.inode() == inode else 0)[0]


def _read(file: BinaryIO, offset: int) -> tuple[list[str], int]:
    """Read whole lines from ``offset`` on; the end is where the next look begins."""
    file.seek(offset)
    content = file.read(MAX_READ)
    end = content.rfind(b"\n") + 1
    if not end and len(content) == MAX_READ:
        # A line longer than all that is read would hold up the looks for ever.
        end = len(content)
    return content[:end].decode("utf-8", "replace").splitlines(), offset + end
