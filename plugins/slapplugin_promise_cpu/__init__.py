"""Promise type: the machine has time left."""

from collections.abc import Mapping

from slapcore.hookspecs import hookimpl
from slapcore.promise.typed import TypedPromise
from slapplugin_promise_cpu.cpu import CPUPromise


@hookimpl
def slapcore_promise_types() -> Mapping[str, type[TypedPromise]]:
    return {"cpu": CPUPromise}
