"""Fault: a call that failed, as XML-RPC tells it."""

from slapcore.errors import SlapError


class Fault(SlapError):
    """A call that failed; ``code`` is the HTTP status that the classic operation answers."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
