"""Finding the master's plugins."""

import pluggy

from slapmaster import hookspecs


def find_plugins() -> pluggy.PluginManager:
    """Load every installed plugin of the group ``slapmaster``."""
    manager = pluggy.PluginManager("slapmaster")
    manager.add_hookspecs(hookspecs)
    manager.load_setuptools_entrypoints("slapmaster")
    manager.check_pending()
    return manager
