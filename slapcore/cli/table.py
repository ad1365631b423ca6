"""The table of commands, and the code with which each kind of error ends one."""

from slapcore import errors
from slapcore.terminal.table import CommandTable
from slapcore.terminal.table import Failure

#: error -> exit code; the first match counts
CODES: tuple[tuple[type[errors.SlapError], int], ...] = (
    (errors.Unavailable, 3),
    (errors.Unauthenticated, 4),
    (errors.Forbidden, 4),
    (errors.NotFound, 5),
    (errors.NotReady, 7),
    (errors.Conflict, 6),
    (errors.InvalidValue, 6),
    (errors.TooMany, 6),
)
OTHER = 1

#: error -> what may help
HINTS: tuple[tuple[type[errors.SlapError], str], ...] = (
    (errors.Untrusted, "Compare the fingerprint with what the operator says, and log in again."),
    (errors.Unauthenticated, "Log in with a new token: slapctl login URL"),
    (errors.NotOffered, "This master is older, or of another make."),
)


class FailureWithCode(Failure):
    """An error, what may help, and a code that says which kind of error it is."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.hints = [hint for kind, hint in HINTS if isinstance(error, kind)]
        codes = (code for kind, code in CODES if isinstance(error, kind))
        self.exit_code = next(codes, OTHER)  # type: ignore[misc]  # click reads it here

    def format_message(self) -> str:
        """Give the error, and what may help below it."""
        return "\n".join([super().format_message(), *self.hints])


class PersonTable(CommandTable):
    """The commands of ``slapctl``."""

    package = "slapcore.cli"
    failure = FailureWithCode
