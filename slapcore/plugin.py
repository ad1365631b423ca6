"""Finding the node's plugins, and what they bring."""

import pluggy

from slapcore import hookspecs
from slapcore.errors import ConfigurationError
from slapcore.promise.typed import TypedPromise


def find_plugins() -> pluggy.PluginManager:
    """Load every installed plugin of the group ``slapcore``."""
    manager = pluggy.PluginManager("slapcore")
    manager.add_hookspecs(hookspecs)
    manager.load_setuptools_entrypoints("slapcore")
    manager.check_pending()
    return manager


def find_promise_types() -> dict[str, type[TypedPromise]]:
    """Find all types of promises: name -> class."""
    found: dict[str, type[TypedPromise]] = {}
    for types in find_plugins().hook.slapcore_promise_types():
        taken = sorted(set(found) & set(types))
        if taken:
            raise ConfigurationError(f"two plugins bring the promise type {taken[0]}")
        found.update(types)
    return dict(sorted(found.items()))
