"""Asking a running server, by its socket."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slapcore import errors

#: whatever can be written as JSON
JSON = Any
Line = dict[str, JSON]


class NotRunning(errors.SlapError):
    """No server listens on the socket."""


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


def ask_server(path: Path, name: str, arguments: dict[str, JSON]) -> Iterator[Line]:
    """Ask the server at ``path`` for an operation; gives the lines it says.

    Raises ``NotRunning`` before anything was asked, and whatever the operation raises.
    """
    connection = connect(path)
    try:
        body = json.dumps({"operation": name, "arguments": arguments})
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answered = False
        for line in read_lines(connection.getresponse()):
            answered = "answer" in line
            yield line
        if not answered:
            raise errors.SlapError("the server broke off: its log says why")
    except (http.client.HTTPException, ConnectionError) as error:
        raise errors.SlapError(f"the server broke off ({error!r}): its log says why") from error
    finally:
        connection.close()


def connect(path: Path) -> SocketConnection:
    connection = SocketConnection(path)
    try:
        connection.connect()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning(f"no server listens on {path}") from error
    return connection


def is_running(path: Path) -> bool:
    """Tell whether a server listens on the socket."""
    try:
        connect(path).close()
    except NotRunning:
        return False
    return True


def read_lines(response: http.client.HTTPResponse) -> Iterator[Line]:
    if response.status != http.client.OK:
        text = response.read(1000).decode(errors="replace")
        raise errors.SlapError(f"the server refused: {response.status} {text}")
    for text in response:
        line: Line = json.loads(text)
        if "error" in line:
            raise error_called(line["error"])(line["message"])
        yield line


def error_called(name: str) -> type[errors.SlapError]:
    """Find the class of an error by its name; an unknown one is as good as any."""
    found = getattr(errors, name, errors.SlapError)
    known = isinstance(found, type) and issubclass(found, errors.SlapError)
    return found if known else errors.SlapError
