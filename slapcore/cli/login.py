"""``slapctl login``: who a master is, is made sure of first; then a token becomes a certificate."""

import os
import re
import sys
import tempfile
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from slapcore import errors
from slapcore.cli.door import Door
from slapcore.cli.known import Contexts
from slapcore.cli.known import Known
from slapcore.slap.as_node import Credentials
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Target
from slapcore.slap.enrolment import fetch_person_credentials
from slapcore.slap.master import Master
from slapcore.slap.trust import Shown
from slapcore.slap.trust import look_at

TOKEN = "SLAPCTL_TOKEN"
NO_LETTER = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class Trust:
    """By what a server is recognised from now on: nothing means by this machine's authorities."""

    authority: str = ""
    fingerprint: str = ""


@click.command("login")
@click.argument("url")
@click.option("--name", metavar="NAME", help="What to call this master; else its host's name.")
@click.option("--token", metavar="TOKEN",
              help=f"The one-time token, or - to read it from standard input; else {TOKEN}, or you "
                   "are asked.")  # fmt: skip
@click.option("--certificate", type=click.Path(path_type=Path), metavar="FILE",
              help="A certificate that you have already, instead of a token.")  # fmt: skip
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Its key.")
@click.option("--authority", type=click.Path(path_type=Path), metavar="FILE",
              help="The certificate of the authority that signs for this master.")  # fmt: skip
@click.option("--fingerprint", metavar="SHA256",
              help="The fingerprint to expect, of the authority or of the server.")  # fmt: skip
@click.option("--project", default="", metavar="PROJECT",
              help="The project that is meant where a command names none.")  # fmt: skip
@click.option("--plain", is_flag=True, help="Use plain http even if it is another machine.")
@click.pass_obj
def command(
    door: Door,
    url: str,
    name: str | None,
    token: str | None,
    certificate: Path | None,
    key: Path | None,
    authority: Path | None,
    fingerprint: str | None,
    project: str,
    plain: bool,
) -> None:
    """Get to know the master at URL, and be known to it.

    The server's certificate is verified before anything is sent.  If nobody on this machine vouches
    for it, its fingerprint is shown for you to compare, and pinned.
    """
    called = find_name(door.contexts, url, name)
    known = Known(name=called, url=url, plain=plain, project=project)
    target = Target(url=url, plain=plain)
    if urlsplit(url).scheme == "http":
        with Connection(target):  # which refuses to be plain beyond this machine
            door.contexts.write(known, None, "")
        click.echo(f"{url} is known as {known.name}; it is not asked who you are.")
        return
    trust = find_trust(target, authority, read_fingerprint(fingerprint))
    if certificate is not None:
        pair = Credentials(certificate.read_text(), (key or certificate).read_text())
    else:
        pair = redeem(target, trust, find_token(token))
    known = replace(
        known,
        fingerprint=trust.fingerprint,
        has_authority=bool(trust.authority),
        has_certificate=True,
    )
    door.contexts.write(known, pair, trust.authority)
    introduce(Door(door.contexts.home, known.name))


def redeem(target: Target, trust: Trust, token: str) -> Credentials:
    """Exchange the token; nothing is kept before that has gone well."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Path(folder) / "authority.crt"
        authority.write_text(trust.authority)
        trusting = replace(
            target,
            fingerprint=trust.fingerprint,
            authority=authority if trust.authority else None,
        )
        with Connection(trusting) as connection:
            return fetch_person_credentials(connection, token)


def find_name(contexts: Contexts, url: str, said: str | None) -> str:
    """Find what to call a master: as said, or after its host; no other one loses its name to it."""
    parts = urlsplit(url)
    names = [said] if said else [NO_LETTER.sub("-", parts.hostname or "").strip("-")]
    if not said and parts.port is not None:
        names.append(f"{names[0]}-{parts.port}")
    for name in names:
        contexts.folder(name)  # a name that can't be one is refused before a token is used
        if name not in contexts.names() or contexts.read(name).url == url:
            return name
    raise errors.Conflict(f"{names[-1]!r} is another master already: say another --name")


def introduce(door: Door) -> None:
    with Master(door.contexts.target(door.known)) as master:
        person = master.as_person().whoami()
    who = f"{person.reference} {person.name} <{person.email}>"
    click.echo(f"You are {who} at {door.known.url}, which is known as {door.known.name}.")


def read_fingerprint(text: str | None) -> str:
    """Read a fingerprint however it is written; raises ``InvalidValue``."""
    if text is None:
        return ""
    digits = text.rpartition("=")[2].replace(":", "").replace(" ", "").lower()
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise errors.InvalidValue(f"{text!r} is no SHA-256 fingerprint of 64 hexadecimal digits")
    return digits


def find_trust(target: Target, authority: Path | None, fingerprint: str) -> Trust:
    """Find out by what the server is to be recognised; raises ``Untrusted``."""
    if authority is not None:
        ping(replace(target, authority=authority))
        return Trust(authority=authority.read_text(encoding="ascii"))
    if not fingerprint:
        try:
            ping(target)
            return Trust()
        except errors.Untrusted:
            pass
    shown = look_at(target.url)
    if fingerprint:
        check_fingerprint(shown, fingerprint)
    else:
        ask_fingerprint(target.url, shown)
    if fingerprint == shown.fingerprint or not shown.authority:
        return Trust(fingerprint=shown.fingerprint)
    return Trust(authority=shown.authority)


def ping(target: Target) -> None:
    """Ask the server for something that is told to everybody."""
    with Connection(target) as connection:
        connection.call("slapos.get.v0.hateoas_url", {})


def check_fingerprint(shown: Shown, expected: str) -> None:
    if expected not in (shown.fingerprint, shown.authority_fingerprint):
        raise errors.Untrusted(
            f"the server's fingerprint is {write_fingerprint(shown.to_compare)}, and that is not "
            "what was expected: somebody may stand in between"
        )


def ask_fingerprint(url: str, shown: Shown) -> None:
    """Have a person compare the fingerprint; raises ``Untrusted`` where there is none."""
    whose = "authority that signed for it" if shown.authority else "server's certificate"
    if not sys.stdin.isatty():
        raise errors.Untrusted(
            f"nobody on this machine vouches for {url}; the fingerprint of the {whose} is "
            f"{shown.to_compare}: compare it, and say --fingerprint"
        )
    click.echo(f"Nobody on this machine vouches for {url} ({shown.subject}).")
    click.echo(f"The fingerprint (SHA-256) of the {whose}:")
    click.echo(f"  {write_fingerprint(shown.to_compare)}")
    if not click.confirm("Is it the one that the operator has told you?"):
        raise errors.Untrusted("then this may be somebody else: nothing was sent")


def write_fingerprint(digits: str) -> str:
    return ":".join(digits[at : at + 2].upper() for at in range(0, len(digits), 2))


def find_token(said: str | None) -> str:
    """Find the token: as said, from standard input, in the environment, or by asking."""
    if said == "-":
        return sys.stdin.readline().strip()
    token = said or os.environ.get(TOKEN)
    if token:
        return token
    answered: str = click.prompt("One-time token", hide_input=True)
    return answered.strip()
