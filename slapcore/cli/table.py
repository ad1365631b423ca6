"""A group of commands that finds them in a table, and says errors in one line and a code."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

import click

from slapcore import errors

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


class Failure(click.ClickException):
    """One line on standard error, and a code that says which kind of failure it is."""

    def __init__(self, error: Exception) -> None:
        hints = [hint for kind, hint in HINTS if isinstance(error, kind)]
        super().__init__("\n".join([" ".join(str(error).split()), *hints]))
        codes = (code for kind, code in CODES if isinstance(error, kind))
        self.exit_code = next(codes, OTHER)  # type: ignore[misc]  # click reads it here


class CommandTable(click.Group):
    """A group whose commands are modules beside it, imported when they are run.

    ``commands_by_name`` maps a command to its line of help.  With the option ``--debug`` of the
    group an error shows its traceback.
    """

    def __init__(self, *, commands_by_name: Mapping[str, str], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._table = commands_by_name

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._table:
            return None
        command: click.Command = import_module(f"slapcore.cli.{name}").command
        return command

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which ones are near."""
        try:
            return super().resolve_command(context, words)
        except click.UsageError as error:
            near = get_close_matches(words[0], self._table, n=2, cutoff=0.5)
            if not near:
                raise
            text = f"{error.message} Did you mean {' or '.join(near)}?"
            raise click.UsageError(text, context) from error

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (errors.SlapError, OSError) as error:
            if context.params["debug"]:
                raise
            raise Failure(error) from error
