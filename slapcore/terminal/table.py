"""A group of commands that finds them in a table, and says errors in one line."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import ClassVar

import click

from slapcore.errors import SlapError
from slapcore.terminal.shape import write


class Failure(click.ClickException):
    """An error, said in one line."""

    def __init__(self, error: Exception) -> None:
        super().__init__(write(" ".join(str(error).split())))


class CommandTable(click.Group):
    """A group whose commands are modules of ``package``, imported when they are run.

    ``commands_by_name`` maps a command to its line of help.  A module has one command, called
    ``command``, unless ``shared_modules`` says where a command is; there it has its own name.
    With the option ``--debug`` of the group an error shows its traceback.
    """

    package: ClassVar[str]
    shared_modules: ClassVar[Mapping[str, str]] = {}
    failure: ClassVar[type[Failure]] = Failure

    def __init__(self, *, commands_by_name: Mapping[str, str], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._table = commands_by_name

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._table:
            return None
        module = import_module(f"{self.package}.{self.shared_modules.get(name, name)}")
        command: click.Command = getattr(
            module, name if name in self.shared_modules else "command"
        )
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
        except (SlapError, OSError) as error:
            if context.params["debug"]:
                raise
            raise self.failure(error) from error
