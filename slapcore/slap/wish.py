"""What is asked for when an instance is requested, and how each protocol is told of it."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from slapcore import errors
from slapcore.protocol import marshal
from slapcore.protocol.documents import InstanceView
from slapcore.protocol.documents import read_instance
from slapcore.protocol.jsonrpc import JSON
from slapcore.slap.connection import Answer
from slapcore.states import InstanceState

#: The type of an instance that nothing was said of.
DEFAULT_TYPE = "default"

#: How SlapProxy says that there is no room, with the status of what doesn't exist.
NO_ROOM = ("No free computer partition found", "No partition corresponding to slave request")

#: The demand that travels as a number in JSON.
DELAY = "retention_delay"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An instance as it is to be; ``demands`` are the conditions on its place (SLA)."""

    title: str
    release_url: str
    software_type: str = DEFAULT_TYPE
    state: InstanceState = InstanceState.STARTED
    parameters: Mapping[str, str] = field(default_factory=dict)
    demands: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False
    project: str = ""


def write_form(wish: Wish) -> dict[str, str]:
    """Write the fields of classic SLAP."""
    fields = {
        "partition_reference": wish.title,
        "software_release": wish.release_url,
        "software_type": wish.software_type,
        "state": write_value(wish.state.value),
        "shared_xml": write_value(wish.shared),
        "partition_parameter_xml": write_value(dict(wish.parameters)),
        "filter_xml": write_value(dict(wish.demands)),
    }
    return {**fields, "project_reference": wish.project} if wish.project else fields


def write_value(value: object) -> str:
    """Marshal a value for a field of a form; raises ``InvalidValue`` for what can't travel."""
    try:
        return marshal.encode(value).decode("ascii")
    except errors.ProtocolError as error:
        raise errors.InvalidValue(str(error)) from error


def write_json(wish: Wish) -> JSON:
    """Write the object of JSON-RPC."""
    project = {"project_guid": wish.project} if wish.project else {}
    return {
        "title": wish.title,
        "software_release_uri": wish.release_url,
        "software_type": wish.software_type,
        "state": wish.state.value,
        "parameters": dict(wish.parameters),
        "shared": wish.shared,
        "sla_parameters": {**write_demands(wish.demands), **project},
    }


def write_demands(demands: Mapping[str, str]) -> JSON:
    """Write demands as JSON: all are text but one."""
    written: JSON = dict(demands)
    if DELAY in written:
        try:
            written[DELAY] = float(written[DELAY])
        except ValueError as error:
            raise errors.InvalidValue(f"{DELAY} is {written[DELAY]!r}, not a number") from error
    return written


def request(post: Callable[[dict[str, str]], Answer], wish: Wish) -> InstanceView:
    """Ask by ``post``; raises ``NotReady`` with the master's reason while there is no place."""
    try:
        answer = post(write_form(wish))
    except errors.NotFound as error:
        if str(error).startswith(NO_ROOM):
            raise errors.NotReady(str(error)) from error
        raise
    view = read_instance(answer.decode())
    return view if view.title else replace(view, title=wish.title)
