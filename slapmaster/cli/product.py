"""``slapmaster product``: software products and their releases."""

import click

from slapmaster.cli.door import Door
from slapmaster.cli.output import json_option
from slapmaster.cli.output import print_facts
from slapmaster.cli.output import print_rows

COLUMNS = ("reference", "title", "project", "releases")


@click.group("product")
def command() -> None:
    """Products: reference or title say which is meant."""


@command.command("add")
@click.argument("title")
@click.option("--project", metavar="PROJECT", help="Where it belongs; else the only one.")
@json_option
@click.pass_obj
def add(door: Door, title: str, project: str | None, as_json: bool) -> None:
    """Make a product."""
    print_facts(door.ask("product.add", title=title, project=project), as_json=as_json)


@command.command("release")
@click.argument("product")
@click.argument("url")
@click.option("--title", help="What people call it; else the last part of the URL.")
@click.option("--effective", metavar="DATE", help="From when on; else from now on.")
@json_option
@click.pass_obj
def release(
    door: Door, product: str, url: str, title: str | None, effective: str | None, as_json: bool
) -> None:
    """Make a release of a product."""
    answer = door.ask(
        "product.release", product=product, url=url, title=title, effective=effective
    )
    print_facts(answer, as_json=as_json)


@command.command("weight")
@click.argument("product")
@click.argument("software_type", metavar="TYPE")
@click.argument("weight", type=int)
@json_option
@click.pass_obj
def weight(door: Door, product: str, software_type: str, weight: int, as_json: bool) -> None:
    """Have an instance of a type take so much of a node's capacity; 1 is usual."""
    answer = door.ask(
        "product.weight", product=product, software_type=software_type, weight=weight
    )
    print_facts(answer, as_json=as_json)


@command.command("list")
@click.option("--project", metavar="PROJECT", help="Only those of a project.")
@json_option
@click.pass_obj
def show_all(door: Door, project: str | None, as_json: bool) -> None:
    """List the products."""
    print_rows(door.ask("product.list", project=project), COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("product")
@json_option
@click.pass_obj
def show(door: Door, product: str, as_json: bool) -> None:
    """Show a product with its releases, newest first."""
    print_facts(door.ask("product.show", product=product), as_json=as_json)
