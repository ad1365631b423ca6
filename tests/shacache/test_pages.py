"""The page of the cache describes what there is, and what it tells to type exists."""

import shlex

import click
import docutils.core
import docutils.nodes
import pytest

from shacache.cli import COMMANDS
from shacache.cli import main
from shacache.settings import READERS
from tests.rules.tree import ROOT

TEXT = (ROOT / "docs" / "shacache.rst").read_text(encoding="utf-8")


def find_typed():
    """Find the lines of the page that begin with our command, as lists of words."""
    settings = {"report_level": 5, "syntax_highlight": "none"}
    page = docutils.core.publish_doctree(TEXT, settings_overrides=settings)
    for block in page.findall(docutils.nodes.literal_block):
        for line in block.astext().replace("\\\n", " ").splitlines():
            if line.startswith("shacache "):
                yield shlex.split(line)


TYPED = list(find_typed())


def options_of(command):
    return {name: option for option in command.params for name in option.opts}


def find_unknown(words):
    """Find the first word that the command line wouldn't understand."""
    command, rest = main, iter(words[1:])
    for word in rest:
        if word.startswith("-"):
            option = options_of(command).get(word)
            if option is None:
                return word
            if not option.is_flag:
                next(rest)
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return word
            command = found
    return None


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_what_the_page_tells_to_type_is_understood(words):
    assert find_unknown(words) is None


def test_what_does_not_exist_is_not_understood():
    assert find_unknown(["shacache", "fly"]) == "fly"
    assert find_unknown(["shacache", "gc", "--wings"]) == "--wings"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described(name):
    assert f"``{name}" in TEXT or any(name in words for words in TYPED)


@pytest.mark.parametrize("name", READERS)
def test_every_key_of_the_settings_is_described(name):
    assert f"``{name}``" in TEXT
