"""``slapctl service``: what you asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import TypeVar

import click

from slapcore.cli.completing import complete_service
from slapcore.cli.door import Door
from slapcore.cli.given import read_pairs
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_facts
from slapcore.cli.output import print_rows
from slapcore.cli.plan import show_plan
from slapcore.cli.request import PATIENCE
from slapcore.cli.request import show
from slapcore.cli.waiting import wait_until_settled
from slapcore.cli.wishing import PRODUCT
from slapcore.cli.wishing import find_release
from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapcore.slap.as_person import AsPerson
from slapcore.slap.as_person import Change
from slapcore.slap.shown import Member
from slapcore.slap.shown import Product
from slapcore.states import InstanceState

Command = TypeVar("Command", bound=Callable[..., object])

COLUMNS = ("title", "project", "state", "health", "release_url", "software_type")

the_title = click.argument("title", shell_complete=complete_service)
the_project = click.option("--project", metavar="PROJECT", help="In which project; else in yours.")
wait_option = click.option("--wait", is_flag=True, help="Wait until its node says that it is so.")
timeout_option = click.option("--timeout", default=PATIENCE, show_default=True,
                              metavar="SECONDS", help="How long to wait.")  # fmt: skip



@dataclass(frozen=True, kw_only=True)
class How:
    """What is said of how a service is changed, besides what is changed."""

    project: str | None
    output: str | None
    wait: bool = False
    timeout: float = PATIENCE


def change_options(command: Command) -> Command:
    """Give a command the options of every change."""
    return the_project(output_options(command))


def wait_options(command: Command) -> Command:
    """Give a command the options of a change that takes time."""
    return change_options(wait_option(timeout_option(command)))


@click.group("service")
def command() -> None:
    """Services: what you asked for, by its TITLE."""


@command.command("list")
@output_options
@click.pass_obj
def show_all(door: Door, output: str | None) -> None:
    """List your services."""
    services = door.person.list_services()
    rows = [{**plain(service), "health": judge(service.statuses)} for service in services]
    print_rows(rows, COLUMNS, output)


def judge(statuses: tuple[str, ...]) -> str:
    """Say in a word how a service is, by what is known of its instances."""
    kinds = [status.split(" ", 1)[0] for status in statuses]
    for kind, word in (("#error", "failing"), ("#building", "building"), ("#access", "well")):
        if kind in kinds:
            return word
    return "silent"


@command.command("info")
@the_title
@output_options
@click.pass_obj
def show_one(door: Door, title: str, output: str | None) -> None:
    """Show a service: how it is, what it publishes, and its instances."""
    person = door.person
    root = person.see_service(title)
    services = person.list_services(title)
    members = [
        explain(person, member)
        for service in services
        for member in person.list_members(service.reference)
    ]
    print_facts({**plain(root), "instances": members}, output)


def explain(person: AsPerson, member: Member) -> Member:
    """Say of an instance without a place what it waits for: lists don't."""
    if member.node or member.state is InstanceState.DESTROYED:
        return member
    return replace(member, status=person.see_instance(member.reference).status)


@command.command("start")
@the_title
@wait_options
@click.pass_obj
def start(door: Door, /, title: str, **how: Any) -> None:
    """Start a service, with all that it asked for."""
    change(door, title, Change(state=InstanceState.STARTED), How(**how))


@command.command("stop")
@the_title
@wait_options
@click.pass_obj
def stop(door: Door, /, title: str, **how: Any) -> None:
    """Stop a service, with all that it asked for."""
    change(door, title, Change(state=InstanceState.STOPPED), How(**how))


@command.command("destroy")
@the_title
@click.option("--yes", is_flag=True, help="Don't ask.")
@change_options
@click.pass_obj
def destroy(door: Door, /, title: str, yes: bool, **how: Any) -> None:
    """Destroy a service, with all that it asked for, and its data."""
    if not yes:
        root = door.person.see_service(title)
        click.confirm(f"Destroy {title!r} ({root.release_url}) and its data?", abort=True, err=True)
    change(door, title, Change(state=InstanceState.DESTROYED), How(**how))


@command.command("rename")
@the_title
@click.argument("new_title")
@change_options
@click.pass_obj
def rename(door: Door, /, title: str, new_title: str, **how: Any) -> None:
    """Give a service another title."""
    change(door, title, Change(title=new_title), How(**how))


@command.command("upgrade")
@the_title
@click.argument("release", required=False)
@click.option("--type", "software_type", metavar="TYPE", help="Another variant, too.")
@wait_options
@click.pass_obj
def upgrade(
    door: Door, /, title: str, release: str | None, software_type: str | None, **how: Any
) -> None:
    """Change a service to RELEASE: a URL, or product.NAME; else to the newest of its product."""
    url = find_successor(door, title, release, door.project(how["project"]))
    change(door, title, Change(release_url=url, software_type=software_type), How(**how))


def find_successor(door: Door, title: str, release: str | None, project: str) -> str:
    if release is not None:
        return find_release(door.person, release, project)
    current = door.person.see_service(title).release_url
    product = product_of(door.person, current, project)
    return find_release(door.person, f"{PRODUCT}{product.reference}", product.project)


def product_of(person: AsPerson, url: str, project: str) -> Product:
    for product in person.list_products(project):
        if any(release.url == url for release in product.releases):
            return product
    raise NotFound(f"{url} belongs to no product that you see: say which release is wanted")


@command.command("move")
@the_title
@click.option("--instance", metavar="REFERENCE", help="One of its instances; else the first.")
@click.option("--plan", is_flag=True, help="Only show where it would go, or why it can't.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@wait_option
@timeout_option
@output_options
@click.pass_obj
def move(
    door: Door,
    title: str,
    instance: str | None,
    plan: bool,
    yes: bool,
    wait: bool,
    timeout: float,
    output: str | None,
) -> None:
    """Move a service's instance to another node, without its data; where to is shown first."""
    reference = instance or door.person.see_service(title).reference
    planned = door.person.plan_move(reference)
    if plan or not planned.node:
        show_plan(planned, output)
        return
    if not yes:
        click.confirm(f"{planned.message}. Move it, without its data?", abort=True, err=True)
    moved = door.person.move(reference)
    if wait:
        moved = wait_until_settled(door.person, reference, timeout)
    show(moved, output)


@command.command("set")
@the_title
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE",
              help="Set one parameter; as often as needed.")  # fmt: skip
@click.option("-u", "--unset", "dropped", multiple=True, metavar="NAME",
              help="Drop one parameter; as often as needed.")  # fmt: skip
@wait_options
@click.pass_obj
def set_parameters(
    door: Door, /, title: str, pairs: tuple[str, ...], dropped: tuple[str, ...], **how: Any
) -> None:
    """Change parameters of a service, and leave the others as they are."""
    known = dict(door.person.see_service(title).parameters)
    for name in dropped:
        if name not in known:
            raise InvalidValue(f"{title!r} has no parameter {name!r}")
        del known[name]
    known.update(read_pairs(pairs))
    change(door, title, Change(parameters=known), How(**how))


def change(door: Door, title: str, wanted: Change, how: How) -> None:
    """Have a service changed, wait if so wanted, and print what became of it."""
    instance = door.person.change(title, wanted, project=door.project(how.project))
    if how.wait:
        instance = wait_until_settled(door.person, instance.reference, how.timeout)
    show(instance, how.output)
