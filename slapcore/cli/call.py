"""``slapctl call``: one method of the master, by JSON-RPC or XML-RPC."""

import json
import sys
from typing import Any

import click

from slapcore.cli.door import Door
from slapcore.cli.given import read_mapping
from slapcore.cli.output import Format
from slapcore.cli.output import output_options
from slapcore.cli.output import print_data
from slapcore.errors import InvalidValue
from slapcore.errors import ProtocolError
from slapcore.protocol.xmlrpc import Fault
from slapcore.protocol.xmlrpc import read_answer
from slapcore.protocol.xmlrpc import write_call
from slapcore.slap.connection import MEANINGS
from slapcore.slap.connection import Connection
from slapcore.slap.connection import Question


@click.command("call")
@click.argument("method")
@click.argument("said", default="{}")
@click.option("--xmlrpc", "by_xml", is_flag=True,
              help="By XML-RPC, with the names of classic SLAP.")  # fmt: skip
@output_options
@click.pass_obj
def command(door: Door, method: str, said: str, by_xml: bool, output: str | None) -> None:
    """Call METHOD with SAID, a JSON object, or - to read it from standard input."""
    fields = read_said(sys.stdin.read() if said == "-" else said)
    connection = door.person.connection
    told = call_by_xml(connection, method, fields) if by_xml else connection.call(method, fields)
    print_data(told, output or Format.JSON)


def read_said(text: str) -> dict[str, Any]:
    try:
        return read_mapping(json.loads(text), "what is said")
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"what is said is not JSON: {error}") from error


def call_by_xml(connection: Connection, method: str, fields: dict[str, Any]) -> object:
    """Call by XML-RPC: its faults mean what the statuses of classic SLAP mean."""
    body = write_call(method, (fields,) if fields else ())
    told = read_answer(connection.ask(Question(path="RPC2", xml=body)).body)
    if isinstance(told, Fault):
        raise MEANINGS.get(told.code, ProtocolError)(told.text)
    return told
