"""Promise type: the partition, or the machine, has memory left."""

from collections.abc import Mapping

from slapcore.hookspecs import hookimpl
from slapcore.promise.typed import TypedPromise
from slapplugin_promise_memory.memory import MemoryPromise


@hookimpl
def slapcore_promise_types() -> Mapping[str, type[TypedPromise]]:
    return {"memory": MemoryPromise}
