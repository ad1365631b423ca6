"""The recipe of the guide, as the package among the examples."""

import shutil
import textwrap

from tests.rules.tree import ROOT

EXAMPLE = ROOT / "examples/recipe-greeting"


def test_the_recipe_of_the_guide_is_built_changed_and_removed(buildout):
    shutil.copytree(EXAMPLE, buildout.folder / "own")
    profile = "develop = own\n[part]\nrecipe = greeting-recipe\noutput = out\n"
    buildout.build("part", f"{profile}greeting = Hello\n")
    assert buildout.read("out") == "Hello\n"
    buildout.build("part", f"{profile}greeting = Welcome\n")
    assert buildout.read("out") == "Welcome\n"
    assert "[part] the option greeting is missing" in buildout.fail("part", profile)
    buildout.build("", "develop = own\n")
    assert not (buildout.folder / "out").exists()


def test_the_guide_shows_the_package_s_code():
    code = (EXAMPLE / "greeting_recipe.py").read_text().partition("\n\n")[2]
    assert textwrap.indent(code, "    ", str.strip) in (ROOT / "docs/recipes.rst").read_text()
