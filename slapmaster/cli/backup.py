"""``slapmaster backup``: back the database up, while the master runs."""

from pathlib import Path

import click

from slapcore.terminal.shape import print_json
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import progress_bar


@click.command("backup")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--full", is_flag=True, help="Copy everything, not only what is new.")
@click.option("--drop-old", is_flag=True,
              help="Remove the backups before a full one, once it is made.")  # fmt: skip
@click.option("--with-keys", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the keys into an archive, which belongs elsewhere.")  # fmt: skip
@json_option
@click.pass_obj
def command(
    door: Door,
    directory: Path,
    full: bool,
    drop_old: bool,
    with_keys: Path | None,
    as_json: bool,
) -> None:
    """Copy what is new in the database into DIRECTORY, and read it all again.

    DIRECTORY is a repository as ZODB's repozo keeps it.
    """
    with progress_bar("backup") as watch:
        made = door.ask(
            "site.backup",
            watch=watch,
            repository=str(directory.absolute()),
            full=full,
            drop_old=drop_old,
            keys=str(with_keys.absolute()) if with_keys is not None else None,
        )
    if as_json:
        print_json(made)
        return
    click.echo(f"{made['kind']}: {made['files']} files, {made['size']} bytes, verified")
    if made["keys"]:
        click.echo(f"the keys are in {made['keys']}: keep them elsewhere")
