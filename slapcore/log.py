"""What a line of the log looks like.

- Each line carries the id of the request it belongs to, or ``-``.
- What came from outside can't begin a line of its own: control characters are written out.
- What looks like a secret is masked, should one ever slip in.
"""

import contextvars
import itertools
import logging
import re
import secrets
import sys
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import TextIO

FORMAT = "%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"

#: the request that this thread is working on
request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")

_process = secrets.token_hex(3)
_numbers = itertools.count(1)

#: control characters of both sets, line ends of Unicode, and what turns the direction of writing
_UNPRINTABLE = (
    *range(0x20),
    *range(0x7F, 0xA0),
    *(0x2028, 0x2029),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
)
_ESCAPES = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in _UNPRINTABLE}

_SECRET = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|$)"
    r"|(\b(?:password|passwd|secret|(?:access[-_])?token)\b['\"]?\s*[=:]\s*)\S+"
    r"|(\bauthorization\b['\"]?\s*[=:]\s*).+",
    re.IGNORECASE | re.DOTALL,
)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def configure(level: str, stream: TextIO | None = None) -> logging.Handler:
    """Send the log of the whole process to ``stream`` (default: standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each.formatter, LineFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    return handler


def new_request_id() -> str:
    """Choose the id of the request that begins, and put it on the lines of this thread."""
    chosen = f"{_process}-{next(_numbers):x}"
    request_id.set(chosen)
    return chosen


def with_request_id(application: Application) -> Application:
    """Give each request of a WSGI application an id, where the server has not given it one."""

    def identified(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "slapmaster.request_id" not in environ:
            environ["slapmaster.request_id"] = new_request_id()
        return application(environ, start_response)

    return identified


def printable(text: str) -> str:
    """Write out the characters of ``text`` that would not stay on their line."""
    return text if text.isprintable() else text.translate(_ESCAPES)


class LineFormatter(logging.Formatter):
    """One record, one line; a traceback follows indented, so that it can't pass for a record."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        line = FORMAT % {
            "asctime": self.formatTime(record),
            "levelname": record.levelname,
            "request_id": request_id.get(),
            "name": record.name,
            "message": printable(_masked(record.getMessage())),
        }
        if not record.exc_info:
            return line
        traceback = _masked(self.formatException(record.exc_info))
        return "\n  | ".join([line, *map(printable, traceback.split("\n"))])


def _masked(text: str) -> str:
    return _SECRET.sub(lambda found: f"{found[1] or found[3] or found[4]}[masked]", text)
