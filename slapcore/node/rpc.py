"""XML-RPC over a local socket: what it takes to speak to supervisord, and no more."""

import http.client
import os
import socket
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slapcore.errors import SlapError

SECONDS = 60.0
LONGEST_NAME = 100
ANSWER_AT_MOST = 64 << 20


class NotRunning(SlapError):
    """Nobody answers at the socket."""


class Fault(SlapError):
    """The other side has refused; ``code`` says why."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class LocalConnection(http.client.HTTPConnection):
    """HTTP to a socket in the file system."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        name = str(self._path)
        if len(name.encode()) < LONGEST_NAME:
            self.sock.connect(name)
            return
        # There is little room for the name of a socket; one below an open directory is short.
        number = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{number}/{self._path.name}")
        finally:
            os.close(number)


class Caller:
    """Calls methods at one socket."""

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self._path = path
        self._seconds = seconds

    def call(self, method: str, *parameters: object) -> Any:  # noqa: ANN401
        """Call one method; raises ``Fault`` or ``NotRunning``."""
        body = xmlrpc.client.dumps(parameters, method).encode()  # type: ignore[arg-type]
        try:
            return xmlrpc.client.loads(self._post(body))[0][0]
        except xmlrpc.client.Fault as error:
            raise Fault(error.faultCode, error.faultString) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotRunning(f"nobody answers at {self._path}: {error}") from error

    def call_many(self, calls: Sequence[tuple[str, tuple[object, ...]]]) -> list[Any]:
        """Call several methods at once; what one refuses comes back as its ``Fault``."""
        if not calls:
            return []
        asked = [{"methodName": name, "params": list(parameters)} for name, parameters in calls]
        return [
            Fault(int(each["faultCode"]), str(each["faultString"]))
            if isinstance(each, dict) and "faultCode" in each
            else each
            for each in self.call("system.multicall", asked)
        ]

    def _post(self, body: bytes) -> bytes:
        connection = LocalConnection(self._path, self._seconds)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            data = answer.read(ANSWER_AT_MOST)
        finally:
            connection.close()
        if answer.status != 200:
            raise NotRunning(f"{self._path} answers {answer.status}")
        return data
