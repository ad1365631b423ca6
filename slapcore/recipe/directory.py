"""``slapmaster:directory``: makes directories.

Every option but ``recipe`` and ``mode`` is one.  They are never removed: what is in them belongs to
the instance.
"""

from pathlib import Path
from typing import Any

from slapcore.recipe.section import Section

MODE = 0o755


class Recipe:
    """Makes a directory for each option."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = Section(buildout, name, options)
        self._mode = self._section.mode(MODE)
        self._paths = [
            self._section.path(option)
            for option in options
            if option not in ("recipe", "mode") and not option.startswith(("_", "-"))
        ]

    def install(self) -> list[str]:
        for path in sorted(self._paths):
            self._make(path)
        return []

    update = install

    def _make(self, path: Path) -> None:
        if path.is_dir():
            return
        try:
            path.mkdir(parents=True)
        except FileExistsError as error:
            raise self._section.fail(f"{path} is there, and no directory") from error
        except OSError as error:
            raise self._section.fail(f"{path} can't be made: {error.strerror}") from error
        path.chmod(self._mode)
