"""``slapctl software``: the catalogue, and the releases on nodes."""

import click

from slapcore.cli.completing import complete_node
from slapcore.cli.door import Door
from slapcore.cli.output import output_options
from slapcore.cli.output import plain
from slapcore.cli.output import print_facts
from slapcore.cli.output import print_rows
from slapcore.errors import NotFound
from slapcore.slap.as_person import AsPerson

COLUMNS = ("product", "project", "release", "current", "effective", "url")
SUPPLIED = ("node", "url", "state", "status")


@click.group("software")
def command() -> None:
    """The catalogue: products and their releases; releases on nodes."""


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Of one project only.")
@output_options
@click.pass_obj
def show_all(door: Door, project: str | None, output: str | None) -> None:
    """List the products of your projects, and their releases, the newest first."""
    products = door.person.list_products(door.project(project))
    if output:
        print_rows(products, (), output)
        return
    rows = [
        {
            "product": product.title,
            "project": product.project,
            "release": release.title if release is not None else "",
            "current": release.current if release is not None else "",
            "effective": release.effective if release is not None else "",
            "url": release.url if release is not None else "",
        }
        for product in products
        for release in product.releases or (None,)
    ]
    print_rows(rows, COLUMNS, None)


@command.command("add")
@click.argument("product")
@click.argument("url", required=False)
@click.option("--title", default="", metavar="TITLE",
              help="What to call the release; else the end of its URL.")  # fmt: skip
@click.option("--effective", default="", metavar="DATE",
              help="From when on it is current, as 2026-01-31T12:00 (UTC).")  # fmt: skip
@click.option("--project", metavar="PROJECT", help="In which project; else in yours.")
@output_options
@click.pass_obj
def add(
    door: Door,
    product: str,
    url: str | None,
    title: str,
    effective: str,
    project: str | None,
    output: str | None,
) -> None:
    """Make PRODUCT if it is not there, and publish the release at URL of it."""
    where = door.project(project)
    if not is_there(door.person, product, where):
        made = door.person.add_product(product, project=where)
    elif url is None:
        raise NotFound(f"{product!r} is there: what is to be added is the URL of a release")
    if url is not None:
        made = door.person.add_release(
            product, url, title=title, effective=effective, project=where
        )
    print_facts(plain(made), output)


def is_there(person: AsPerson, product: str, project: str) -> bool:
    found = person.list_products(project)
    return any(product in (one.title, one.reference) for one in found)


@command.command("supplied")
@click.argument("node", required=False, shell_complete=complete_node)
@output_options
@click.pass_obj
def show_supplied(door: Door, node: str | None, output: str | None) -> None:
    """List the releases that NODE is to have or to lose, or all nodes."""
    reference = door.person.find_node(node).reference if node is not None else None
    print_rows(door.person.list_installations(reference), SUPPLIED, output)
