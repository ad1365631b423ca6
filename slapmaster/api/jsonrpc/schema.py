"""What goes in and comes out of each method, checked with its JSON schema."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from slapcore.errors import ProtocolError
from slapcore.protocol.jsonrpc import JSON
from slapcore.protocol.jsonrpc import read_command
from slapcore.protocol.jsonrpc import read_definitions

SHOWN = 200


@dataclass(frozen=True)
class Checks:
    """The two checks of a method."""

    name: str
    input: Draft202012Validator
    output: Draft202012Validator

    def check_input(self, said: JSON) -> None:
        """Raise ``ProtocolError`` with the first thing that is wrong in ``said``."""
        error = next(self.input.iter_errors(said), None)
        if error is not None:
            raise ProtocolError(describe(error))

    def check_output(self, told: JSON) -> None:
        """Raise ``AssertionError`` when the answer is not what was promised: our own mistake."""
        error = next(self.output.iter_errors(told), None)
        if error is not None:
            raise AssertionError(f"{self.name} answers wrongly at {error.json_path}")


@cache
def find_checks(name: str) -> Checks:
    command = read_command(name)
    return Checks(name, make_validator(command.input), make_validator(command.output))


def make_validator(schema: JSON) -> Draft202012Validator:
    """Make a check of ``schema`` with all it may refer to; nothing is ever fetched."""
    whole: dict[str, Any] = {**schema, "components": {"schemas": read_definitions()}}
    return Draft202012Validator(whole)


def describe(error: ValidationError) -> str:
    """Say what is wrong and where, and no more of what came in than a person would read."""
    where = error.json_path.removeprefix("$").removeprefix(".")
    text = f"{where[:SHOWN]}: {error.message}" if where else error.message
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
