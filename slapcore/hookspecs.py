"""The node's hooks, and both markers.

Plugins are found by the entry point group ``slapcore``.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from slapcore.promise.typed import TypedPromise

hookspec = pluggy.HookspecMarker("slapcore")
hookimpl = pluggy.HookimplMarker("slapcore")


@hookspec
def slapcore_promise_types() -> "Mapping[str, type[TypedPromise]]":  # type: ignore[empty-body]
    """Name the types of promises that the plugin brings.

    Called when an instance is built that promises something, and when the types are listed; never
    inside a transaction of the Master.  A name that another plugin has taken is an error.
    """
