"""The running server's side: a small WSGI application on a unix socket.

Only the user that runs the server, and root, are answered.  An answer is lines of JSON: how
far the operation has come, at last what it answers, or what went wrong.
"""

import json
import logging
import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from slapcore.errors import ProtocolError
from slapcore.errors import SlapError
from slapmaster.control.operation import Asked
from slapmaster.control.operation import Line
from slapmaster.control.operation import name_of_user
from slapmaster.control.operation import run
from slapmaster.control.table import OPERATIONS
from slapmaster.master import Master

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class ControlApplication:
    """Answers the commands of operators."""

    def __init__(self, master: Master) -> None:
        self._master = master

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        uid = environ.get("slapmaster.peer_uid")
        if uid not in (0, os.getuid()):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"only the server's own user is answered here"]
        start_response("200 OK", [("Content-Type", "application/x-ndjson")])
        return self._answer(environ, uid)

    def _answer(self, environ: Environ, uid: int) -> Iterator[bytes]:
        try:
            asked = read_asked(environ["wsgi.input"].read(), name_of_user(uid))
            log.info("%s asks for %s", asked.by, asked.name)
            for line in run(OPERATIONS, self._master, asked):
                yield write_line(line)
        except SlapError as error:
            yield write_line({"error": type(error).__name__, "message": str(error)})


def read_asked(body: bytes, by: str) -> Asked:
    try:
        read = json.loads(body)
        return Asked(name=str(read["operation"]), arguments=dict(read["arguments"]), by=by)
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"this is no question for the control socket: {error}") from error


def write_line(line: Line) -> bytes:
    return json.dumps(line).encode() + b"\n"
