"""What a file says that there shall be, and how that differs from what there is.

The file is YAML or JSON::

    services:
      web:
        release: https://example.com/web/software.cfg
        parameters: {greeting: Hello}
    supplies:
      - release: https://example.com/web/software.cfg
        node: COMP-1

What a service is not said to have, it shall not have.  Services that the file does not name are
nobody's business here.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from slapcore.cli.given import as_texts
from slapcore.cli.given import load_json
from slapcore.cli.given import load_yaml
from slapcore.cli.given import read_mapping
from slapcore.cli.given import read_text
from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.slap.as_person import AsPerson
from slapcore.slap.as_person import Change
from slapcore.slap.shown import Installation
from slapcore.slap.shown import Instance
from slapcore.slap.wish import DEFAULT_TYPE
from slapcore.slap.wish import Wish
from slapcore.slap.wish import write_demands
from slapcore.states import InstanceState
from slapcore.states import ReleaseState

SECTIONS = ("services", "supplies")
SERVICE_KEYS = ("release", "type", "state", "shared", "parameters", "demands", "project")
SUPPLY_KEYS = ("release", "node", "state")

#: Said with a request to tell projects apart; it is no condition of its own.
PROJECT = "project_guid"


@dataclass(frozen=True, kw_only=True)
class Supply:
    """A release that a node shall have, or not."""

    release_url: str
    node: str
    state: ReleaseState


@dataclass(frozen=True)
class Desired:
    """All that a file says."""

    services: tuple[Wish, ...]
    supplies: tuple[Supply, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to be done: ``sign`` is + for new, ~ for changed, - for gone."""

    sign: str
    subject: str
    #: name, what it is, what it shall be
    differences: tuple[tuple[str, str, str], ...] = ()
    wish: Wish | None = None
    change: Change | None = None
    supply: Supply | None = None


def read_desired(path: Path) -> Desired:
    """Read a file; raises ``InvalidValue`` that names what is wrong in it."""
    content = read_text(path)
    load = load_json if path.suffix.lower() == ".json" else load_yaml
    found = read_mapping(load(content, path), str(path))
    refuse_unknown(found, SECTIONS, str(path))
    services = read_mapping(found.get("services"), "services")
    supplies = found.get("supplies") or []
    if not isinstance(supplies, list):
        raise InvalidValue(f"supplies is a {type(supplies).__name__}, not a list")
    return Desired(
        tuple(read_service(title, value) for title, value in services.items()),
        tuple(read_supply(value, f"supplies[{at}]") for at, value in enumerate(supplies)),
    )


def read_service(title: str, value: object) -> Wish:
    where = f"the service {title!r}"
    said = read_mapping(value, where)
    refuse_unknown(said, SERVICE_KEYS, where)
    shared = said.get("shared", False)
    if not isinstance(shared, bool):
        raise InvalidValue(f"shared of {where} is neither true nor false")
    demands = as_texts(read_mapping(said.get("demands"), f"demands of {where}"))
    return Wish(
        title=title,
        release_url=read_word(said, "release", where),
        software_type=read_word(said, "type", where, DEFAULT_TYPE),
        state=read_instance_state(said, where),
        parameters=as_texts(read_mapping(said.get("parameters"), f"parameters of {where}")),
        demands={name: str(value) for name, value in write_demands(demands).items()},
        shared=shared,
        project=read_word(said, "project", where, ""),
    )


def read_supply(value: object, where: str) -> Supply:
    said = read_mapping(value, where)
    refuse_unknown(said, SUPPLY_KEYS, where)
    state = read_word(said, "state", where, ReleaseState.AVAILABLE)
    if state not in set(ReleaseState):
        raise InvalidValue(f"state of {where} is {state!r}, not {' or '.join(ReleaseState)}")
    return Supply(
        release_url=read_word(said, "release", where),
        node=read_word(said, "node", where),
        state=ReleaseState(state),
    )


def read_instance_state(said: Mapping[str, object], where: str) -> InstanceState:
    state = read_word(said, "state", where, InstanceState.STARTED)
    if state not in set(InstanceState):
        raise InvalidValue(f"state of {where} is {state!r}, not {' or '.join(InstanceState)}")
    return InstanceState(state)


def read_word(
    said: Mapping[str, object], name: str, where: str, default: str | None = None
) -> str:
    value = said.get(name, default)
    if value is None:
        raise InvalidValue(f"{where} has no {name}")
    if not isinstance(value, str):
        raise InvalidValue(f"{name} of {where} is a {type(value).__name__}, not text")
    return value


def refuse_unknown(said: Mapping[str, object], known: Sequence[str], where: str) -> None:
    for name in said:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidValue(f"nothing is known of {name!r} in {where}{hint}")


def compare_service(wish: Wish, there: Instance | None) -> Step | None:
    """Say what has to be done for a service; nothing when it is as it shall be."""
    subject = f"service {wish.title!r}"
    gone = InstanceState.DESTROYED
    if there is None or there.state is gone:
        if wish.state is gone:
            return None
        return Step(sign="+", subject=subject, differences=describe_new(wish), wish=wish)
    if wish.state is gone:
        return Step(sign="-", subject=subject, wish=wish, change=Change(state=gone))
    if wish.shared is not there.shared:
        kind = "a shared instance" if there.shared else "no shared instance"
        raise Conflict(f"{subject} is {kind} and stays so: use another title")
    differences = tuple(find_differences(wish, there))
    if not differences:
        return None
    change = Change(
        state=wish.state,
        release_url=wish.release_url,
        software_type=wish.software_type,
        parameters=wish.parameters,
        demands=wish.demands,
    )
    return Step(sign="~", subject=subject, differences=differences, wish=wish, change=change)


def describe_new(wish: Wish) -> tuple[tuple[str, str, str], ...]:
    nothing: Mapping[str, str] = {}
    return (
        ("release", "", wish.release_url),
        *find_changes("parameters", nothing, wish.parameters),
        *find_changes("demands", nothing, wish.demands),
    )


def find_differences(wish: Wish, there: Instance) -> Iterator[tuple[str, str, str]]:
    for name, old, new in (
        ("release", there.release_url, wish.release_url),
        ("type", there.software_type, wish.software_type),
        ("state", there.state.value, wish.state.value),
    ):
        if old != new:
            yield name, old, new
    yield from find_changes("parameters", there.parameters, wish.parameters)
    yield from find_changes("demands", there.demands, wish.demands)


def find_changes(
    what: str, old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*old, *new} - {PROJECT}):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield f"{what}.{name}", before or "", after or ""


def compare_supply(supply: Supply, there: Sequence[Installation]) -> Step | None:
    """Say what has to be done for a release on a node; nothing when it is as it shall be."""
    states = [one.state for one in there if one.url == supply.release_url]
    gone = ReleaseState.DESTROYED
    current = states[0] if states else gone
    if current is supply.state:
        return None
    sign = "-" if supply.state is gone else "+"
    return Step(sign=sign, subject=f"{supply.release_url} on {supply.node}", supply=supply)


def carry_out(person: AsPerson, step: Step) -> Instance | None:
    """Do what a step says; give the service that it was about."""
    if step.supply is not None:
        person.supply(step.supply.release_url, step.supply.node, step.supply.state)
        return None
    assert step.wish is not None
    if step.change is None:
        return person.request(step.wish)
    change = step.change
    if change.demands is not None and step.wish.project:
        change = replace(change, demands={**change.demands, PROJECT: step.wish.project})
    return person.change(step.wish.title, change, project=step.wish.project)
