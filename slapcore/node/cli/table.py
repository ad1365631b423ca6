"""A group of commands that finds them in a table, and says errors in one line."""

from collections.abc import Mapping
from importlib import import_module

import click

from slapcore.errors import SlapError

#: commands that share a module
MODULES = {"start": "programs", "stop": "programs", "restart": "programs", "tail": "programs"}


class CommandTable(click.Group):
    """A group whose commands are modules beside it, imported when they are run."""

    def __init__(self, *, commands_by_name: Mapping[str, str], **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._table = commands_by_name

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._table:
            return None
        module = import_module(f"slapcore.node.cli.{MODULES.get(name, name)}")
        command: click.Command = getattr(module, name if name in MODULES else "command")
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
