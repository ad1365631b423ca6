"""What is wished for, as the command line says it: the same for ``request`` and ``plan``."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from slapcore.cli.completing import complete_service
from slapcore.cli.door import Door
from slapcore.cli.given import as_document
from slapcore.cli.given import as_texts
from slapcore.cli.given import read_file
from slapcore.cli.given import read_pairs
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.slap.as_person import AsPerson
from slapcore.slap.wish import DEFAULT_TYPE
from slapcore.slap.wish import Wish
from slapcore.states import InstanceState

Command = TypeVar("Command", bound=Callable[..., object])

#: What a product's name is written after, where a release is expected.
PRODUCT = "product."

OPTIONS = (
    click.argument("title", shell_complete=complete_service),
    click.argument("release"),
    click.option("--type", "software_type", default=DEFAULT_TYPE, show_default=True,
                 metavar="TYPE", help="The variant of the release."),
    click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE",
                 help="A parameter; as often as needed."),
    click.option("--parameters-file", "file", type=click.Path(path_type=Path), metavar="FILE",
                 help="Parameters from a .yaml, .json or .xml file; -p wins over it."),
    click.option("--one-document", is_flag=True,
                 help="Send the parameters as one JSON document, for releases that want that."),
    click.option("-d", "--demand", "demands", multiple=True, metavar="NAME=VALUE",
                 help="A condition on its place, as computer_guid=COMP-1; as often as needed."),
    click.option("--shared", is_flag=True, help="A share in an instance that is there already."),
    click.option("--project", metavar="PROJECT", help="In which project; else in yours."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Given:
    """The options and arguments, as they were typed."""

    title: str
    release: str
    software_type: str
    pairs: tuple[str, ...]
    file: Path | None
    one_document: bool
    demands: tuple[str, ...]
    shared: bool
    project: str | None


def wish_options(command: Command) -> Command:
    """Give a command the arguments and options that say what is wished for."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def read_wish(door: Door, given: Given, state: InstanceState = InstanceState.STARTED) -> Wish:
    """Put together what is wished for; a product's name stands for its newest release."""
    project = door.project(given.project)
    return Wish(
        title=given.title,
        release_url=find_release(door.person, given.release, project),
        software_type=given.software_type,
        state=state,
        parameters=read_parameters(given),
        demands=read_pairs(given.demands),
        shared=given.shared,
        project=project,
    )


def read_parameters(given: Given) -> dict[str, str]:
    values = read_file(given.file) if given.file is not None else {}
    values.update(read_pairs(given.pairs))
    return as_document(values) if given.one_document else as_texts(values)


def find_release(person: AsPerson, release: str, project: str) -> str:
    """Give the URL of a release; ``product.NAME`` is the newest one of a product."""
    if not release.startswith(PRODUCT):
        return release
    name = release.removeprefix(PRODUCT)
    products = [one for one in person.list_products(project) if name in (one.title, one.reference)]
    if not products:
        raise NotFound(f"no software product {name!r}: see slapctl software list")
    if len(products) > 1:
        names = ", ".join(one.project for one in products)
        raise InvalidValue(f"there is a product {name!r} in each of {names}: say --project")
    if products[0].newest is None:
        raise NotFound(f"no release of {name!r} is current")
    return products[0].newest.url
