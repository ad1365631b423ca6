"""``slapmaster:download``: puts a file of somebody else's in place, if it is the right one.

Options: ``url``; ``md5sum`` or ``sha512`` (or both), without which nothing is downloaded;
``output``, by default the url's last part in this part's own directory; ``mode``.  Given:
``location``, the directory of the file, and ``output``.
"""

import hashlib
import posixpath
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slapcore.recipe.section import Section
from slapcore.recipe.template import fetch


class Recipe:
    """Puts a file in place, if it is the right one."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        self._url = section.text("url")
        self._sums = {"md5": section.find("md5sum"), "sha512": section.find("sha512")}
        if not any(self._sums.values()):
            raise section.fail("md5sum or sha512 has to say which file that is")
        self._mode = section.mode(0o644)
        self._own = not section.find("output", "destination")
        self._output = self._find_output()
        options["output"] = str(self._output)
        options["location"] = str(self._output.parent)

    def _find_output(self) -> Path:
        if not self._own:
            return self._section.path("output", "destination")
        last = posixpath.basename(urlsplit(self._url).path)
        if last in ("", ".", ".."):
            raise self._section.fail(f"{self._url} names no file: the option output is missing")
        parts = self._section.buildout["buildout"]["parts-directory"]
        return Path(parts, self._section.name, last)

    def install(self) -> list[str]:
        content = fetch(self._section, self._url, self._sums["md5"])
        wanted = self._sums["sha512"]
        if wanted and hashlib.sha512(content).hexdigest() != wanted.lower():
            raise self._section.fail(f"{self._url} has another checksum than {wanted}")
        path = self._section.write(self._output, content, self._mode)
        return [str(self._output.parent)] if self._own else [path]

    def update(self) -> None:
        """Do nothing: what was installed is the right file, and buildout sees when it has gone."""
