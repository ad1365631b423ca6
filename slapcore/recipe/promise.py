"""``slapmaster:promise``: has an instance promise something.

Either ``type``, one of the types that plugins bring, or ``module`` or ``file`` with the class that
``class`` names (``RunPromise``) of one's own.  ``config-…`` are its options.  ``output`` is by
default ``etc/plugin/<section>.py``.  What is written runs under our node and under the legacy
one alike.
"""

import os
import pprint
import sys
from pathlib import Path
from typing import Any

from slapcore.errors import SlapError
from slapcore.plugin import find_promise_types
from slapcore.promise.typed import TypedPromise
from slapcore.recipe.section import Section

#: The first assignment has to be this one: the legacy node reads it before it runs the file.
HEAD = """\
# Written by the recipe of [{name}]; what is changed here is lost.
import sys
sys.path[0:0] = {paths}

extra_config_dict = {config}

{body}
"""
TYPED = """\
from slapcore.promise.bridge import make_run_promise
from {module} import {kind}

RunPromise = make_run_promise({kind})"""
FILE = """\
with open({path!r}) as _file:
    exec(compile(_file.read(), {path!r}, "exec"))"""


class Recipe:
    """Writes a promise into the partition."""

    def __init__(self, buildout: Any, name: str, options: Any) -> None:  # noqa: ANN401
        self._section = section = Section(buildout, name, options)
        self._config = section.prefixed("config-")
        self._output = Path(
            section.buildout["buildout"]["directory"],
            section.find("output") or f"etc/plugin/{name}.py",
        )
        if "/" in name and not section.find("output"):
            raise section.fail("the option output is missing: the section's name is no file's")
        if self._output.suffix != ".py":
            raise section.fail(f"output has to end with .py: {self._output}")
        ways = [way for way in ("type", "module", "file") if section.find(way)]
        if len(ways) != 1:
            raise section.fail("one of type, module and file has to be given, and no more")
        self._module = ""
        use = {"type": self._use_type, "module": self._use_module, "file": self._use_file}
        body = use[ways[0]]()
        self._content = HEAD.format(
            name=name,
            paths=pprint.pformat(list_paths(self._module)),
            config=pprint.pformat(self._config),
            body=body,
        )

    def _use_type(self) -> str:
        section, wanted = self._section, self._section.text("type")
        types = find_promise_types()
        if wanted not in types:
            raise section.fail(f"there is no type {wanted}, only {', '.join(types)}")
        kind: type[TypedPromise] = types[wanted]
        try:
            kind.check_options(self._config)
        except SlapError as error:
            raise section.fail(f"{wanted}: {error}") from error
        self._module = kind.__module__
        return TYPED.format(module=kind.__module__, kind=kind.__name__)

    def _use_module(self) -> str:
        module, kind = self._section.text("module"), self._read_class()
        if not all(part.isidentifier() for part in module.split(".")):
            raise self._section.fail(f"module is no name of one: {module}")
        return f"from {module} import {kind} as RunPromise"

    def _use_file(self) -> str:
        path, kind = self._section.path("file"), self._read_class()
        if not path.is_file():
            raise self._section.fail(f"there is no file {path}")
        body = FILE.format(path=str(path))
        return body if kind == "RunPromise" else f"{body}\n\nRunPromise = {kind}"

    def _read_class(self) -> str:
        kind = self._section.find("class") or "RunPromise"
        if not kind.isidentifier():
            raise self._section.fail(f"class is no name of one: {kind}")
        return kind

    def install(self) -> list[str]:
        return [self._section.write(self._output, self._content, 0o644)]

    update = install


def list_paths(module: str) -> list[str]:
    """List where the promise finds what this buildout found, and the packages it is made of."""
    library = os.path.dirname(os.__file__)
    left_out = {library, os.path.join(library, "lib-dynload")}
    known = [os.path.abspath(path) for path in sys.path if os.path.isdir(path)]
    packages = [sys.modules[name.partition(".")[0]] for name in (__name__, module) if name]
    own = [str(Path(package.__file__).parents[1]) for package in packages if package.__file__]
    return [path for path in dict.fromkeys([*known, *own]) if path not in left_out]
