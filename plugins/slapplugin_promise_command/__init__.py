"""Promise type: a command ends as it should."""

from collections.abc import Mapping

from slapcore.hookspecs import hookimpl
from slapcore.promise.typed import TypedPromise
from slapplugin_promise_command.command import CommandPromise


@hookimpl
def slapcore_promise_types() -> Mapping[str, type[TypedPromise]]:
    return {"command": CommandPromise}
