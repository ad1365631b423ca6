"""A group of commands that finds them in a table, and says errors in one line."""

import warnings
from collections.abc import Mapping
from importlib import import_module

import click

from slapcore.errors import SlapError

# pyramid 2.1 needs it; the warning is for its authors.
warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)


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
        command: click.Command = import_module(f"slapmaster.cli.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (SlapError, OSError) as error:
            if context.params["debug"]:
                raise
            raise click.ClickException(" ".join(str(error).split())) from error
