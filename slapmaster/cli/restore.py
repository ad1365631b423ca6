"""``slapmaster restore``: bring a backup back into an empty directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from slapcore.errors import Conflict
from slapcore.terminal.shape import print_json
from slapmaster import backup
from slapmaster import directory
from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import progress_bar
from slapmaster.control.lookup import read_time
from slapmaster.settings import Settings


@click.command("restore")
@click.argument("repository", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--at", metavar="DATE", help="As it was backed up then (UTC); else the last.")
@click.option("--with-keys", type=click.Path(path_type=Path, exists=True), metavar="FILE",
              help="The archive of keys that 'backup --with-keys' has written.")  # fmt: skip
@click.option("--of-proxy", is_flag=True, help="It is the backup of a proxy, without keys.")
@json_option
@click.pass_obj
def command(
    door: Door,
    repository: Path,
    at: str | None,
    with_keys: Path | None,
    of_proxy: bool,
    as_json: bool,
) -> None:
    """Bring the backup in REPOSITORY back into the data directory, which must be empty.

    Every checksum is compared, and every record is read once.
    """
    settings = door.settings
    moment = read_time(at) if at is not None else None
    prepare(settings)
    with progress_bar("restore") as watch:
        count = drive(backup.restore(repository, directory.database_file(settings), moment), watch)
    if with_keys is not None:
        backup.bring_keys(with_keys, settings)
    if of_proxy:
        directory.mark_alone(settings)
    answer = {"directory": str(settings.data_directory), "transactions": count}
    if as_json:
        print_json(answer)
    else:
        click.echo(f"restored {count} transactions into {settings.data_directory}")
        if with_keys is None and not of_proxy:
            click.echo("Now bring its keys there: authority.crt, authority.key and seal.key.")


def prepare(settings: Settings) -> None:
    """Have an empty data directory."""
    place = settings.data_directory
    if place.exists() and any(place.iterdir()):
        raise Conflict(f"{place} is not empty: restore into an empty directory")
    directory.make_private_directory(place)


def drive(work: backup.Work[Any], watch: Callable[[dict[str, Any]], None]) -> Any:  # noqa: ANN401
    """Have a piece of work done, and say how far it is."""
    while True:
        try:
            done, total, what = next(work)
        except StopIteration as end:
            return end.value
        watch({"done": done, "total": total, "what": what})
