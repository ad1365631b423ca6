"""Promise type: a service of the partition runs, or doesn't."""

from collections.abc import Mapping

from slapcore.hookspecs import hookimpl
from slapcore.promise.typed import TypedPromise
from slapplugin_promise_service.running import ServicePromise


@hookimpl
def slapcore_promise_types() -> Mapping[str, type[TypedPromise]]:
    return {"service": ServicePromise}
