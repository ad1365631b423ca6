"""Promise type: something listens at an address or a local socket."""

import socket

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise


class SocketPromise(TypedPromise):
    """Something listens at an address or a local socket."""

    takes = {
        "host": "the address, IPv4 or IPv6",
        "port": "the port there",
        "path": "a local socket, instead of host and port",
        "timeout": "seconds to wait (5)",
    }

    def sense(self) -> None:
        path, timeout = self.option("path", ""), self.number("timeout", 5)
        if bool(path) == bool(self.option("host", "")):
            raise InvalidValue("a socket is at a path, or at a host and port")
        where = path or f"{self.option('host')} port {self.option('port')}"
        try:
            if path:
                self._connect(path, timeout)
            else:
                address = (self.option("host"), int(self.number("port")))
                socket.create_connection(address, timeout).close()
        except OSError as error:
            self.log.error("nobody listens at %s: %s", where, error)
        else:
            self.log.info("somebody listens at %s", where)

    def _connect(self, path: str, timeout: float) -> None:
        with socket.socket(socket.AF_UNIX) as own:
            own.settimeout(timeout)
            own.connect(path)
