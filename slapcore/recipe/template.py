"""``slapmaster:template``: renders a template of Jinja2 into a file.

Options: ``url``, ``template`` or ``inline``; ``output`` or ``rendered``; ``md5sum``, ``mode``,
``encoding``, ``extensions``, ``import-list``, and ``context``, whose lines are each a type, a name
and an expression:

=============== ======================================================================
raw             the expression as it is
json            the value that it is in JSON
key             ``section:option``; values of our own recipes keep their type
jsonkey         ``section:option``, whose value is JSON
section         a whole section, as a mapping
environment     a variable of the environment, and a default if it may be missing
file            what a file holds
import          a module of Python
=============== ======================================================================

A name that the template uses and nothing gives is an error, and so is a checksum that differs.
"""

import builtins
import importlib
import json
import os
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from zc.buildout.download import ChecksumError
from zc.buildout.download import Download

from slapcore.recipe.section import Section

#: What templates of releases may use of Python without importing it.
BUILTINS = (
    *("abs", "all", "any", "bin", "bool", "bytes", "callable", "chr", "complex", "dict", "divmod"),
    *("enumerate", "filter", "float", "format", "frozenset", "hex", "int", "isinstance", "iter"),
    *("len", "list", "map", "max", "min", "next", "oct", "ord", "pow", "range", "repr"),
    *("reversed", "round", "set", "sorted", "str", "sum", "tuple", "zip"),
)


def _assert(value: object, *said: object) -> str:
    if not value:
        raise AssertionError(*said)
    return ""


class Recipe:
    """Renders a template into a file."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        self._output = section.path("output", "rendered")
        self._mode = section.mode(0o666 & ~_read_umask())
        section.options.setdefault("output", str(self._output))
        section.options.setdefault("rendered", str(self._output))
        self._content = self._render()

    def install(self) -> list[str]:
        encoding = self._section.find("encoding") or "utf-8"
        return [self._section.write(self._output, self._content.encode(encoding), self._mode)]

    update = install

    def _render(self) -> str:
        where, source = self._read_source()
        context = {**{name: getattr(builtins, name) for name in BUILTINS}, "assert": _assert}
        context["dumps"] = json.dumps
        try:
            environment = jinja2.Environment(
                undefined=jinja2.StrictUndefined,
                extensions=self._section.words("extensions"),
                loader=jinja2.FunctionLoader(self._load(where)),
                keep_trailing_newline=True,
            )
            context.update(self._read_context())
            return environment.from_string(source).render(context)
        except jinja2.TemplateSyntaxError as error:
            raise self._section.fail(f"{where} line {error.lineno}: {error.message}") from error
        except (jinja2.TemplateError, AssertionError) as error:
            raise self._section.fail(f"{where}: {error}") from error
        except (AttributeError, ImportError) as error:
            raise self._section.fail(f"extensions or context: {error}") from error

    def _read_source(self) -> tuple[str, str]:
        """Give where the template is from, and its text."""
        inline = self._section.options.get("inline")
        if inline is not None:
            if self._section.find("url", "template"):
                raise self._section.fail("a template is inline or at a url, not both")
            return "inline", inline.lstrip("\n") + ("" if inline.endswith("\n") else "\n")
        url = self._section.text("url", "template")
        content = fetch(self._section, url, self._section.find("md5sum"))
        try:
            return url, content.decode(self._section.find("encoding") or "utf-8")
        except (LookupError, UnicodeDecodeError) as error:
            raise self._section.fail(f"{url} can't be read: {error}") from error

    def _load(self, where: str) -> Callable[[str], str | None]:
        """Find what the template imports or includes: as ``import-list`` names it, or beside it."""
        named = dict(self._read_imports())
        folder = Path(where).parent if os.path.isabs(where) else None

        def load(name: str) -> str | None:
            path = named.get(name)
            if path is None and folder is not None:
                path = Path(os.path.normpath(folder / name))
                if folder not in path.parents:
                    return None
            return path.read_text(encoding="utf-8") if path and path.is_file() else None

        return load

    def _read_imports(self) -> list[tuple[str, Path]]:
        found = []
        for line in self._section.lines("import-list"):
            words = line.split()
            if len(words) != 3 or words[0] not in ("rawfile", "file"):
                text = "is neither file NAME section:option nor rawfile NAME PATH"
                raise self._section.fail(f"import-list has a line that {text}: {line}")
            kind, name, value = words
            found.append((name, Path(value if kind == "rawfile" else self._section.read(value))))
        return found

    def _read_context(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in self._section.lines("context"):
            words = line.split(None, 2)
            if len(words) < 3:
                text = f"context has a line that is no type, name and expression: {line}"
                raise self._section.fail(text)
            kind, name, expression = words
            if kind not in READERS:
                known = ", ".join(sorted(READERS))
                raise self._section.fail(f"context has a type {kind}; there are {known}")
            found[name] = READERS[kind](self._section, expression.strip())
        return found


def fetch(section: Section, url: str, md5sum: str) -> bytes:
    """Read what is at ``url``, which has this checksum if one is given."""
    download = Download(section.buildout["buildout"], hash_name=True)
    try:
        path, is_temporary = download(url, md5sum=md5sum or None)
        content = Path(path).read_bytes()
    except ChecksumError as error:
        raise section.fail(f"{url} has another checksum than {md5sum}") from error
    except OSError as error:
        raise section.fail(f"{url} can't be read: {error}") from error
    if is_temporary:
        os.unlink(path)
    return content


def _read_json(section: Section, text: object) -> Any:  # noqa: ANN401
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise section.fail(f"that is no JSON: {text[:100]}: {error}") from error


def _read_environment(section: Section, expression: str) -> str:
    name, _, default = expression.partition(" ")
    value = os.environ.get(name, default.strip())
    if not value and not default:
        raise section.fail(f"the environment has no {name}")
    return value


def _read_file(section: Section, expression: str) -> str:
    path = Path(section.buildout["buildout"]["directory"], expression)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise section.fail(f"{path} can't be read: {error}") from error


READERS: Mapping[str, Callable[[Section, str], Any]] = {
    "raw": lambda section, expression: expression,
    "json": _read_json,
    "key": lambda section, expression: section.read(expression),
    "jsonkey": lambda section, expression: _read_json(section, section.read(expression)),
    "section": lambda section, expression: dict(section.other(expression).options),
    "environment": _read_environment,
    "file": _read_file,
    "import": lambda section, expression: importlib.import_module(expression),
}


def _read_umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
