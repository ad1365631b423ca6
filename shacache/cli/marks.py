"""``shacache pin`` and ``shacache block``: what stays, and what is refused."""

import click

from shacache.cli.place import Place
from shacache.cli.place import json_option
from shacache.cli.place import opened_cache
from shacache.cli.place import print_rows


@click.command()
@click.argument("words", metavar="[KEY|SHA512]...", nargs=-1)
@click.option("--remove", is_flag=True, help="They may go again.")
@json_option
@click.pass_obj
def pin(place: Place, words: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Keep keys or contents, however long nobody asks for them; without any, list the pins."""
    with opened_cache(place) as cache:
        if words and not remove:
            cache.pins.add(*words)
        for word in words if remove else ():
            cache.pins.remove(word)
        if not words:
            listed = cache.pins.listed().items()
            rows = [{"pin": word, "since": int(since)} for word, since in listed]
            print_rows(rows, as_json=as_json)


@click.command()
@click.argument("word", metavar="[sha512:SUM|url:BEGINNING|signer:NAME]", required=False)
@click.option("--why", default="", help="What readers and uploaders are told.")
@click.option("--remove", is_flag=True, help="It is no longer refused.")
@json_option
@click.pass_obj
def block(place: Place, word: str | None, why: str, remove: bool, as_json: bool) -> None:
    """Refuse and hide a content, what is from URLs, or a signer; without, list what is."""
    with opened_cache(place) as cache:
        if word is None:
            listed = cache.blacklist.listed().items()
            print_rows([{"blocked": each, "why": why} for each, why in listed], as_json=as_json)
        elif remove:
            cache.blacklist.remove(word)
        else:
            cache.blacklist.add(word, why)


COMMANDS = {"pin": pin, "block": block}
