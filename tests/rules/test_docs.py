"""The pages parse, their links lead somewhere, and what they tell to type exists."""

import re
import shlex
import textwrap
import types
from importlib import import_module

import click
import docutils.core
import docutils.nodes
import docutils.utils
import pytest

from slapcore.cli import main as slapctl
from slapcore.node.cli import main as slapnode
from slapmaster.api import classic
from slapmaster.api.demands import WIRE_NAMES
from slapmaster.cli import main
from slapmaster.domain.values import DEMANDS
from slapmaster.settings import READERS
from tests.rules.tree import PRODUCT
from tests.rules.tree import ROOT
from tests.rules.tree import list_files

PAGES = [path for path in list_files() if path.suffix == ".rst" and path.parts[0] != "tests"]

DOCS = ROOT / "docs"
OPERATOR = DOCS / "operator.rst"
SLAPCTL = DOCS / "slapctl.rst"

PROGRAMS = {"slapctl": slapctl, "slapmaster": main, "slapnode": slapnode}


def read_page(path):
    """Parse one page; whatever docutils has to say about it is an error."""
    settings = {
        "halt_level": docutils.utils.Reporter.WARNING_LEVEL,
        "report_level": docutils.utils.Reporter.SEVERE_LEVEL + 1,
        "syntax_highlight": "none",
        "raw_enabled": False,
        "file_insertion_enabled": False,
    }
    text = (ROOT / path).read_text(encoding="utf-8")
    return docutils.core.publish_doctree(text, source_path=str(path), settings_overrides=settings)


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_is_good_rst(path):
    assert read_page(path).children


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_a_page_s_links_lead_somewhere(path):
    references = read_page(path).findall(docutils.nodes.reference)
    links = [link["refuri"] for link in references if "refuri" in link]
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    lost = [link for link in inside if not (ROOT / path.parent / link.partition("#")[0]).exists()]
    assert not lost


def test_the_readme_fits_on_three_screens():
    assert len((ROOT / "README.rst").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_readme_begins_with_the_two_commands():
    first = next(read_page(ROOT / "README.rst").findall(docutils.nodes.literal_block)).astext()
    assert [line.split("  ")[0] for line in first.splitlines()] == ["make run", "make test"]


def test_every_make_target_of_the_readme_exists():
    text = (ROOT / "README.rst").read_text(encoding="utf-8")
    typed = set(re.findall(r"(?:``|^ +)make ([a-z]+)\b", text, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert typed and typed <= targets


def find_typed(path):
    """Find the lines of a page that begin with one of our commands, as lists of words."""
    for block in read_page(path).findall(docutils.nodes.literal_block):
        for line in block.astext().replace("\\\n", " ").splitlines():
            typed = line.strip().removeprefix("$ ")
            if re.match(rf"({'|'.join(PROGRAMS)}) [-\w]", typed):
                yield shlex.split(typed, comments=True)


def find_commands(command, path=()):
    """Walk a click command: its path of names -> the command, groups included."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from find_commands(command.get_command(context, name), (*path, name))


COMMANDS = {
    (name, *path): command
    for name, program in PROGRAMS.items()
    for path, command in find_commands(program)
}


def find_unknown(words):
    """Find the first of ``words`` that the command line wouldn't understand."""
    path = (words[0],)
    known = list_options(path)
    rest = iter(words[1:])
    for word in rest:
        name, assigned, _value = word.partition("=")
        if name.startswith("-") and name != "-":
            if name not in known:
                return word
            if not known[name].is_flag and not assigned:
                next(rest, None)
        elif (*path, word) in COMMANDS:
            path = (*path, word)
            known = list_options(path)
        elif isinstance(COMMANDS[path], click.Group):
            return word
    return None


def list_options(path):
    """List what may stand after the command at ``path``: the option's text -> the option."""
    options = [part for part in COMMANDS[path].params if isinstance(part, click.Option)]
    known = {text: part for part in options for text in part.opts + part.secondary_opts}
    return known | {"--help": click.Option(["--help"], is_flag=True)}


TYPED = [(path, words) for path in PAGES for words in find_typed(path)]


def test_the_pages_show_how_to_type_our_command():
    assert len(TYPED) > 10


def name_typed(part):
    return " ".join(part) if isinstance(part, list) else part.stem


@pytest.mark.parametrize(("path", "words"), TYPED, ids=name_typed)
def test_what_a_page_says_to_type_is_understood(path, words):
    assert find_unknown(words) is None


def test_what_does_not_exist_is_not_understood():
    assert find_unknown(["slapmaster", "fly"]) == "fly"
    assert find_unknown(["slapmaster", "serve", "--wings"]) == "--wings"
    assert find_unknown(["slapctl", "service", "fly"]) == "fly"


OF_OPERATORS = [path for path in COMMANDS if path[0] == "slapmaster" and len(path) == 2]
OF_PERSONS = [
    path
    for path, command in COMMANDS.items()
    if path[0] == "slapctl" and not isinstance(command, click.Group)
]


@pytest.mark.parametrize("name", [path[1] for path in OF_OPERATORS])
def test_every_command_is_in_the_operator_s_page(name):
    assert any(name in words for path, words in TYPED if ROOT / path == OPERATOR)


@pytest.mark.parametrize("command", OF_PERSONS, ids=" ".join)
def test_every_command_of_a_person_is_shown_as_it_is_typed(command):
    shown = [words for path, words in TYPED if ROOT / path == SLAPCTL]
    assert any(tuple(words[: len(command)]) == command for words in shown)


@pytest.mark.parametrize("command", OF_PERSONS, ids=" ".join)
def test_every_option_of_a_person_s_command_is_in_the_page(command):
    text = SLAPCTL.read_text(encoding="utf-8")
    missing = [name for name in list_options(command) if name.startswith("--")]
    assert not [name for name in missing if name not in text]


def test_every_key_of_the_configuration_is_described():
    assert set(READERS) <= find_terms(OPERATOR.read_text(encoding="utf-8"))


def find_terms(text):
    """Find the literal words of the lines that begin with one, as terms of lists do."""
    lines = [line for line in text.splitlines() if line.startswith("``")]
    return {word for line in lines for word in re.findall(r"``(\w+)``", line)}


def list_endpoints():
    modules = [import_module(f"{classic.__name__}.{name}") for name in classic.MODULES]
    views = [view for module in modules for view in vars(module).values()]
    return {view.endpoint.name for view in views if hasattr(view, "endpoint")} | {"getHateoasUrl"}


def test_the_endpoints_are_those_that_the_page_describes():
    text = (DOCS / "protocol.rst").read_text(encoding="utf-8")
    lists = text[text.index("\nReading\n") : text.index("\nA request\n")]
    assert find_terms(lists) == list_endpoints()


def test_every_demand_is_described_to_customers():
    text = (DOCS / "user.rst").read_text(encoding="utf-8")
    wire = {demand: f"``{WIRE_NAMES.get(demand, demand)}``" for demand in DEMANDS}
    assert not [demand for demand, name in wire.items() if name not in text]


def test_the_policy_of_the_plugin_page_fills_one_node_after_the_other():
    text = (DOCS / "plugin-author.rst").read_text(encoding="utf-8")
    block = re.search(r"code-block:: python\n\n((?:    .*\n|\n)+)", text)
    page = {}
    exec(textwrap.dedent(block[1]), page)
    roomy, narrow = types.SimpleNamespace(free=10), types.SimpleNamespace(free=2)
    assert page["slapmaster_choose_place"]([roomy, narrow]) is narrow


def test_every_part_is_in_the_architecture_page():
    text = (DOCS / "architecture.rst").read_text(encoding="utf-8")
    parts = {
        path.parts[1].removesuffix(".py")
        for path in list_files()
        if path.parts[0] in {"slapcore", "slapmaster"} and path.suffix == ".py"
    }
    parts = {*PRODUCT, *parts} - {"__init__", "__main__"}
    assert not {part for part in parts if f"``{part}``" not in text}
