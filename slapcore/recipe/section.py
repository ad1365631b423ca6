"""The section of a profile that a recipe is made from: its options read, its files written.

- A wrong option is told with the section's name and its own.
- A file is replaced as a whole, and one that says the same is left alone.
- zc.buildout takes texts only.  A recipe that knows more of a value keeps it beside the text, for
  recipes of ours that take it from there.
"""

import json
import os
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zc.buildout import UserError
from zc.buildout.buildout import MissingOption
from zc.buildout.buildout import MissingSection

_ANSWERS = {"true": True, "yes": True, "1": True, "on": True}
_ANSWERS |= {"false": False, "no": False, "0": False, "off": False, "": False}

#: where a recipe's options keep values that are no texts
_VALUES = "slapmaster_values"


class Section:
    """A section that a recipe is made from."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self.buildout = buildout
        self.name = name
        self.options = options

    def fail(self, text: str) -> UserError:
        """Give the error that says what is wrong in this section; to be raised."""
        return UserError(f"[{self.name}] {text}")

    def find(self, *names: str) -> str:
        """Give the first of these options that is there; an empty text if none is."""
        for name in names:
            value = self.options.get(name)
            if value:
                return str(value)
        return ""

    def text(self, *names: str) -> str:
        """Give an option that has to be there, under one of these names."""
        value = self.find(*names)
        if not value.strip():
            raise self.fail(f"the option {names[0]} is missing")
        return value.strip()

    def words(self, name: str) -> list[str]:
        return self.find(name).split()

    def lines(self, name: str) -> list[str]:
        return [line.strip() for line in self.find(name).splitlines() if line.strip()]

    def answer(self, name: str, default: bool) -> bool:
        value = self.options.get(name)
        if value is None:
            return default
        try:
            return _ANSWERS[value.strip().lower()]
        except KeyError as error:
            raise self.fail(f"{name} is neither true nor false: {value}") from error

    def mode(self, default: int) -> int:
        """Give the option ``mode``, which is octal."""
        value = self.find("mode")
        if not value:
            return default
        try:
            mode = int(value, 8)
        except ValueError as error:
            raise self.fail(f"mode is no octal number: {value}") from error
        if not 0 <= mode <= 0o7777:
            raise self.fail(f"mode is no file mode: {value}")
        return mode

    def choose(self, name: str, choices: Iterable[str], default: str) -> str:
        value = self.find(name) or default
        if value not in choices:
            raise self.fail(f"{name} is {value}, and has to be one of {', '.join(choices)}")
        return value

    def pairs(self, name: str) -> Iterator[tuple[str, str]]:
        """Give an option of lines that are each ``key = value``."""
        for line in self.lines(name):
            key, sign, value = line.partition("=")
            if not sign or not key.strip():
                raise self.fail(f"{name} has a line that is no key = value: {line}")
            yield key.strip(), value.strip()

    def path(self, *names: str) -> Path:
        """Give an option that is a path, from the directory of this buildout if it is relative."""
        return Path(self.buildout["buildout"]["directory"], self.text(*names))

    def put(self, name: str, value: object) -> None:
        """Give an option to other sections: as a text, and for recipes of ours as it is."""
        self.options[name] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        values = getattr(self.options, _VALUES, {})
        setattr(self.options, _VALUES, {**values, name: value})

    def prefixed(self, prefix: str) -> dict[str, str]:
        """Give the options that begin so, without what they begin with."""
        names = [name for name in self.options if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.options[name] for name in names}

    def other(self, name: str) -> "Section":
        """Give another section; it is made by its recipe, if it has one."""
        try:
            return Section(self.buildout, name, self.buildout[name])
        except MissingSection as error:
            raise self.fail(f"there is no section [{name}]") from error

    def read(self, reference: str) -> Any:  # noqa: ANN401
        """Give the value that ``section:option`` stands for, or ``:option`` of this section."""
        name, sign, option = reference.partition(":")
        if not sign or not option:
            raise self.fail(f"{reference} is no section:option")
        options = (self.other(name) if name else self).options
        values = getattr(options, _VALUES, {})
        if option in values:
            return values[option]
        try:
            return options[option]
        except MissingOption as error:
            raise self.fail(f"there is no option {option} in [{name or self.name}]") from error

    def write(self, path: Path, content: str | bytes, mode: int) -> str:
        """Write a file of this section; half-made ones go when the recipe fails."""
        data = content.encode() if isinstance(content, str) else content
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
            path.chmod(mode)
            return str(path)
        if not path.exists():
            self.options.created(str(path))
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(data)
        fresh.chmod(mode)
        fresh.replace(path)
        return str(path)
