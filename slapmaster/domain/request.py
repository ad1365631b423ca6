"""Ask for an instance: create, change, rename, stop, destroy; its place is found at once.

The last requester wins: an instance asked for by another instance of its tree moves below it.
Destroying goes down the tree; stopping the root stops whatever is in the tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from slapcore.errors import Conflict
from slapcore.errors import InvalidValue
from slapcore.errors import NotReady
from slapcore.states import InstanceState
from slapmaster.domain.act import Act
from slapmaster.domain.demand import DELAY
from slapmaster.domain.demand import check_demanded
from slapmaster.domain.departure import depart
from slapmaster.domain.feed import EventKind
from slapmaster.domain.hosting import host_key
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import is_host
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.quota import check_quota
from slapmaster.domain.reliance import rely_on
from slapmaster.domain.reliance import rely_on_members
from slapmaster.domain.telling import tell_of_instance
from slapmaster.domain.tree import InstanceTree
from slapmaster.domain.values import FORWARDED
from slapmaster.domain.values import Parameters
from slapmaster.domain.values import check_demands
from slapmaster.domain.values import check_parameters
from slapmaster.domain.values import check_title
from slapmaster.domain.values import check_type
from slapmaster.domain.values import check_url
from slapmaster.domain.values import freeze
from slapmaster.domain.waiting import allocate
from slapmaster.domain.waiting import place_expecting
from slapmaster.domain.waiting import place_shared

#: A type whose data outlive the order to destroy it, by so many days unless something else is said.
BACKUP = "pull-backup"
BACKUP_DELAY = "7.0"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A request, freed of the wire it came by.

    ``demands`` restrict where it may live (domain/values.py lists them).
    """

    title: str
    release_url: str
    software_type: str
    state: InstanceState = InstanceState.STARTED
    parameters: Mapping[str, str] = field(default_factory=dict)
    demands: Mapping[str, str] = field(default_factory=dict)
    shared: bool = False


def request_service(act: Act, person: Person, project: Project, wanted: Wanted) -> Instance:
    """Bring the service that ``person`` calls ``wanted.title`` in line with ``wanted``.

    Asking twice for the same changes nothing.  The root instance comes back without a
    partition while there is no place for it.  Raises ``NotReady`` when what was never there
    is to be destroyed, ``Conflict`` when it would have to become shared, or stop being so.
    """
    check_wanted(wanted)
    tree = act.site.trees.find_by("title", (person.reference, project.reference, wanted.title))
    if tree is None:
        refuse_destroying_nothing(wanted)
        return create_service(act, person, project, wanted)
    assert tree.root is not None
    follow(act, tree.root, wanted)
    return tree.root


def change_service(act: Act, tree: InstanceTree, wanted: Wanted) -> Instance:
    """Bring a service that is there in line with ``wanted``, its title too; the rest as above."""
    check_wanted(wanted)
    assert tree.root is not None
    root = tree.root
    if wanted.title != root.title:
        rename(act, root, wanted.title)
    follow(act, root, wanted)
    return root


def create_service(act: Act, person: Person, project: Project, wanted: Wanted) -> Instance:
    tree = InstanceTree(
        act.new_reference("HOSTSUBS"), wanted.title, person.reference, project.reference
    )
    tree.state = wanted.state
    check_quota(act.site, tree, shared=wanted.shared)
    act.site.trees.add(tree)
    act.note("service requested", tree.reference, wanted.title)
    tree.root = create(act, tree, None, wanted)
    return tree.root


def request_child(act: Act, requester: SoftwareInstance, wanted: Wanted) -> Instance:
    """Bring the instance ``wanted.title`` in the tree of ``requester`` in line with ``wanted``.

    Raises what :func:`request_service` raises, and ``Conflict`` when an instance asks for
    itself or for one of those that asked for it.
    """
    check_wanted(wanted)
    if requester.state is InstanceState.DESTROYED:
        raise Conflict(f"{requester.title!r} is being destroyed and can't ask for anything")
    known: Instance | None = requester.tree.instances.get(wanted.title)
    if known is None:
        refuse_destroying_nothing(wanted)
        check_quota(act.site, requester.tree, shared=wanted.shared)
        return create(act, requester.tree, requester, wanted)
    refuse_cycle(requester, known)
    if known.requester is not requester:
        requester.adopt(known)
        act.note("requester changed", known.reference, requester.reference)
        tell_of_instance(act, EventKind.CHANGED, known, f"requester {requester.reference}")
    follow(act, known, wanted)
    return known


def check_wanted(wanted: Wanted) -> None:
    check_title(wanted.title)
    check_url(wanted.release_url)
    check_type(wanted.software_type)
    check_demands(wanted.demands)
    check_parameters(wanted.parameters, "parameters")
    check_parameters(wanted.demands, "demands")
    if "instance" in wanted.demands and not wanted.shared:
        raise InvalidValue("only a shared instance can demand to live in an instance")


def refuse_destroying_nothing(wanted: Wanted) -> None:
    if wanted.state is InstanceState.DESTROYED:
        raise NotReady(f"there is no instance {wanted.title!r}: nothing to destroy")


def refuse_cycle(requester: SoftwareInstance, asked: Instance) -> None:
    """Raise ``Conflict`` when ``requester`` is, or is below, what it asks for."""
    path = [asked.title]
    above: Instance | None = requester
    while above is not None:
        path.insert(1, above.title)
        if above is asked:
            raise Conflict("instances can't ask for one another in a circle: " + " -> ".join(path))
        if asked.requester is not requester:
            rely_on(above)
        above = above.requester


def create(
    act: Act, tree: InstanceTree, requester: SoftwareInstance | None, wanted: Wanted
) -> Instance:
    kind = SharedInstance if wanted.shared else SoftwareInstance
    instance = kind(act.new_reference("SOFTINST"), wanted.title, tree)
    instance.release_url = wanted.release_url
    instance.software_type = wanted.software_type
    instance.parameters = freeze(wanted.parameters, "parameters")
    instance.demands = demands_of(wanted)
    instance.state = wanted.state
    check_demanded(act, instance)
    act.site.instances.add(instance)
    tree.instances[wanted.title] = instance
    if requester is not None:
        requester.adopt(instance)
    act.note("instance requested", instance.reference, wanted.title)
    tell_of_instance(act, EventKind.REQUESTED, instance)
    instance.touch(act.now)
    allocate(act, instance)
    return instance


def demands_of(wanted: Wanted) -> Parameters:
    """Give what is demanded, and what a type that serves backups always demands."""
    if wanted.software_type == BACKUP and DELAY not in wanted.demands:
        return freeze({**wanted.demands, DELAY: BACKUP_DELAY}, "demands")
    return freeze(wanted.demands, "demands")


def follow(act: Act, instance: Instance, wanted: Wanted) -> None:
    """Change what differs between ``instance`` and ``wanted``; write nothing if nothing does."""
    if instance.shared is not wanted.shared:
        kind = "a shared instance" if instance.shared else "not a shared instance"
        raise Conflict(f"{instance.title!r} is {kind} and stays so: use another title")
    if wanted.state is InstanceState.DESTROYED:
        depart(act, instance)
        return
    change_what(act, instance, wanted)
    change_how(act, instance, wanted)
    change_state(act, instance, wanted.state)
    if instance.partition is None:
        allocate(act, instance)


def change_what(act: Act, instance: Instance, wanted: Wanted) -> None:
    """Make ``instance`` one of another release or type, where it lives."""
    what = (wanted.release_url, wanted.software_type)
    if what == (instance.release_url, instance.software_type):
        return
    if is_host(instance):
        act.site.room.close_host(instance, host_key(act.site, instance))
    instance.release_url, instance.software_type = what
    instance.touch(act.now)
    act.note("release changed", instance.reference, wanted.release_url)
    tell_of_instance(act, EventKind.CHANGED, instance, f"release {wanted.release_url}")
    if is_host(instance):
        act.site.room.open_host(instance, host_key(act.site, instance))
        place_shared(act, instance)


def change_how(act: Act, instance: Instance, wanted: Wanted) -> None:
    """Give ``instance`` other parameters or demands; it stays where it lives."""
    parameters = freeze(wanted.parameters, "parameters")
    demands = demands_of(wanted)
    if (parameters, demands) == (instance.parameters, instance.demands):
        return
    instance.parameters = parameters
    if demands != instance.demands:
        instance.demands = demands
        check_demanded(act, instance)
    instance.touch(act.now)
    act.note("instance changed", instance.reference)
    tell_of_instance(act, EventKind.CHANGED, instance, "parameters")


def change_state(act: Act, instance: Instance, state: InstanceState) -> None:
    """Start or stop ``instance``; with the root, all that is not stopped by itself."""
    if state is instance.state:
        return
    instance.state = state
    act.note(f"instance {state}", instance.reference)
    tell_of_instance(act, EventKind.CHANGED, instance, f"state {state}")
    if not instance.is_root:
        instance.touch(act.now)
        return
    tree = instance.tree
    tree.state = state
    rely_on_members(tree.instances)
    for member in tree.instances.values():
        if member is instance or member.state is InstanceState.STARTED:
            rely_on(member)
            member.touch(act.now)


def rename(act: Act, instance: Instance, title: str) -> None:
    """Give ``instance`` another title; the service itself is renamed with its root.

    Raises ``Conflict`` when the title is taken in the tree, or among the owner's services.
    """
    check_title(title)
    if title == instance.title:
        return
    if instance.state is InstanceState.DESTROYED:
        raise InvalidValue(f"{instance.title!r} is being destroyed and can't be renamed")
    tree = instance.tree
    if title in tree.instances:
        raise Conflict(f"there is an instance {title!r} in {tree.title!r} already")
    if instance.is_root:
        if title.startswith(FORWARDED) or tree.title.startswith(FORWARDED):
            raise InvalidValue(f"titles that begin with {FORWARDED} are kept for other masters")
        act.site.trees.change(tree, title=title)
    act.note("renamed", instance.reference, f"{instance.title} -> {title}")
    del tree.instances[instance.title]
    instance.title = title
    tell_of_instance(act, EventKind.RENAMED, instance)
    tree.instances[title] = instance
    instance.touch(act.now)
    if instance.is_root:
        show_new_title(tree)
    place_expecting(act, tree)


def show_new_title(tree: InstanceTree) -> None:
    """Have every instance of ``tree`` shown again: each is told the title of the root."""
    rely_on_members(tree.instances)
    for member in tree.everything():
        rely_on(member)
        member.has_been_seen()
