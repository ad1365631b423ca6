"""Hooks are few, small and described; each has a plugin that uses it."""

import inspect

import pytest

from slapmaster import hookspecs
from slapmaster.plugin import find_plugins

HOOKS = {
    name: hook
    for name, hook in vars(hookspecs).items()
    if getattr(hook, "slapmaster_spec", None) is not None
}


def test_there_are_hooks():
    assert HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_named_after_its_side(name):
    assert name.startswith("slapmaster_")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called_and_what_none_means(name):
    text = inspect.getdoc(HOOKS[name]) or ""
    assert "transaction" in text
    if HOOKS[name].slapmaster_spec["firstresult"]:
        assert "``None``" in text


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_takes_five_arguments_at_most(name):
    parameters = inspect.signature(HOOKS[name]).parameters.values()
    assert 1 <= len(parameters) <= 5
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in parameters)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_comes_with_a_plugin_that_uses_it(name):
    caller = getattr(find_plugins().hook, name)
    assert [implementation.plugin_name for implementation in caller.get_hookimpls()]
