"""``shacache stats``, ``gc``, ``scrub``, ``check``, ``provenance``: how the cache is kept."""

import json
from collections import Counter
from datetime import UTC
from datetime import datetime

import click
from rich.filesize import decimal

from shacache import check
from shacache.cache import Cache
from shacache.cli.place import Place
from shacache.cli.place import json_option
from shacache.cli.place import opened_cache
from shacache.cli.place import print_rows
from shacache.cli.place import progress_bar
from slapcore.protocol.shadir import kind_of


@click.command()
@json_option
@click.pass_obj
def stats(place: Place, as_json: bool) -> None:
    """Say what is kept; what a running server was asked for is at its /status and /metrics."""
    with opened_cache(place) as cache:
        size = cache.measure()
        kinds: Counter[str] = Counter()
        signers: Counter[str] = Counter()
        for key in cache.directory:
            kinds[kind_of(key)] += 1
            signers.update(each.signer or "unsigned" for each in cache.directory.records(key))
    found = {"contents": size.contents, "bytes": size.bytes,
             "keys": dict(kinds), "entries": dict(signers)}  # fmt: skip
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{size.contents} contents, {decimal(size.bytes)}")
    for name, counter in (("keys", kinds), ("entries of", signers)):
        for word, number in sorted(counter.items()):
            click.echo(f"{number} {name} {word}")


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go, and why.")
@json_option
@click.pass_obj
def gc(place: Place, dry_run: bool, as_json: bool) -> None:
    """Remove what nobody needs: by the cap, by the days without use, without entries."""
    with opened_cache(place) as cache:
        plan = check.make_plan(cache)
        gone = plan.listed() if dry_run else check.carry_out(cache, plan)
        print_gone(list(gone), as_json=as_json)


@click.command()
@json_option
@click.pass_obj
def scrub(place: Place, as_json: bool) -> None:
    """Read all contents again; what is damaged is put aside and no longer served."""
    with opened_cache(place) as cache:
        total = cache.measure().bytes
        with progress_bar("reading", total) as advance:
            damaged = list(check.scrub(cache, lambda stored: advance(stored.size)))
        print_gone(damaged, as_json=as_json)
    if damaged:
        raise SystemExit(1)


@click.command("check")
@click.pass_obj
def look(place: Place) -> None:
    """Look for what should not be; fail when there is something."""
    with opened_cache(place) as cache:
        problems = list(check.find_problems(cache))
    for problem in problems:
        click.echo(problem)
    if problems:
        raise SystemExit(1)


@click.command()
@click.argument("key", required=False)
@click.pass_obj
def provenance(place: Place, key: str | None) -> None:
    """Say of every entry, or of those of one key, who has put and signed it, when, from where."""
    with opened_cache(place) as cache:
        for each in [key] if key else cache.directory:
            print_provenance(cache, each)


def print_provenance(cache: Cache, key: str) -> None:
    for record in cache.directory.records(key):
        moment = datetime.fromtimestamp(record.received / 1_000_000, UTC)
        line = {
            "key": key,
            "sha512": record.sha512,
            "signer": record.signer,
            "signed_by": record.key_id,
            "put_by": record.uploader,
            "put_from": record.address,
            "put_at": moment.isoformat(timespec="seconds"),
            "shown": cache.shows(record),
            "metadata": record.metadata,
        }
        click.echo(json.dumps(line))


def print_gone(gone: list[check.Gone], *, as_json: bool) -> None:
    rows = [{"what": each.what, "why": each.why, "size": each.size} for each in gone]
    print_rows(rows, as_json=as_json)


COMMANDS = {"stats": stats, "gc": gc, "scrub": scrub, "check": look, "provenance": provenance}
