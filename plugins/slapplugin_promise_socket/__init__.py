"""Promise type: something listens at an address or a local socket."""

from collections.abc import Mapping

from slapcore.hookspecs import hookimpl
from slapcore.promise.typed import TypedPromise
from slapplugin_promise_socket.socket import SocketPromise


@hookimpl
def slapcore_promise_types() -> Mapping[str, type[TypedPromise]]:
    return {"socket": SocketPromise}
