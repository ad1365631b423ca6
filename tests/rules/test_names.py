"""Layout and names: one noun per module, and each world's words in its own place."""

import ast
import re

import pytest

from tests.rules.tree import PRODUCT
from tests.rules.tree import ROOT
from tests.rules.tree import Module
from tests.rules.tree import list_files
from tests.rules.tree import read_modules

NO_NOUNS = {
    "base",
    "common",
    "core",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "manager",
    "misc",
    "service",
    "services",
    "tools",
    "util",
    "utils",
}

#: Here a service is what a person asked for, no layer of ours.
OF_THE_TRADE = {
    "slapcore/cli/service.py", "slapmaster/cli/service.py", "slapmaster/control/services.py",
}  # fmt: skip

#: Words of the wire.  In the domain a node is a node and a share is shared.
WIRE_WORDS = re.compile(r"computer_|slave|_guid", re.IGNORECASE)

UNNUMBERED = re.compile(r"(?:#|\.\.)\s*(?:TODO|FIXME|XXX)\b(?!\(#\d+\))")


def name_of(module: Module) -> str:
    return str(module.path)


def test_modules_are_called_by_what_they_know():
    modules = {str(path) for path in list_files() if path.suffix == ".py"} - OF_THE_TRADE
    parts = {part for path in modules for part in path.removesuffix(".py").split("/")}
    assert not parts & NO_NOUNS


@pytest.mark.parametrize("module", read_modules(*PRODUCT), ids=name_of)
def test_a_package_says_what_it_is_in_sixty_lines(module):
    if module.path.name == "__init__.py":
        assert len(module.text.splitlines()) <= 60


def test_the_domain_speaks_our_words():
    found = [
        f"{module.path}:{number}: {line.strip()}"
        for module in read_modules("slapmaster")
        if module.path.parts[1] == "domain"
        for number, line in enumerate(module.text.splitlines(), 1)
        if WIRE_WORDS.search(line)
    ]
    assert not found


def test_what_is_left_to_do_has_the_number_of_an_issue():
    found = [
        f"{path}: {match.group()}"
        for path in list_files()
        if path.suffix in {".py", ".rst", ".cfg", ".in", ".toml"}
        for match in UNNUMBERED.finditer((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not found


def test_nobody_persistent_lives_in_a_package_itself():
    found = [
        str(module.path)
        for module in read_modules(*PRODUCT)
        if module.path.name == "__init__.py"
        for part in ast.walk(module.syntax)
        if isinstance(part, ast.ClassDef) and "Persistent" in map(ast.unparse, part.bases)
    ]
    assert not found
