"""Hooks are few, small and described; each has a plugin that uses it."""

import inspect

import pytest

from slapcore import hookspecs as node_hookspecs
from slapcore.plugin import find_plugins as find_node_plugins
from slapmaster import hookspecs
from slapmaster.plugin import find_plugins

#: name -> the hook, the side that it is on, and how that side finds plugins
HOOKS = {
    name: (hook, side, find)
    for side, module, find in (
        ("slapmaster", hookspecs, find_plugins),
        ("slapcore", node_hookspecs, find_node_plugins),
    )
    for name, hook in vars(module).items()
    if getattr(hook, f"{side}_spec", None) is not None
}


def test_there_are_hooks():
    assert HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_named_after_its_side(name):
    assert name.startswith(f"{HOOKS[name][1]}_")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called_and_what_none_means(name):
    hook, side, _ = HOOKS[name]
    text = inspect.getdoc(hook) or ""
    assert "transaction" in text
    if getattr(hook, f"{side}_spec")["firstresult"]:
        assert "``None``" in text


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_takes_five_arguments_at_most(name):
    parameters = inspect.signature(HOOKS[name][0]).parameters.values()
    assert len(parameters) <= 5
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in parameters)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_comes_with_a_plugin_that_uses_it(name):
    caller = getattr(HOOKS[name][2]().hook, name)
    assert [implementation.plugin_name for implementation in caller.get_hookimpls()]
