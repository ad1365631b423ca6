"""Plan: where a request would lead, without making it."""

from dataclasses import dataclass

from slapcore.errors import Conflict
from slapmaster.domain.act import Act
from slapmaster.domain.allocation import find_place
from slapmaster.domain.allocation import policy_of
from slapmaster.domain.demand import check_demanded
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.reasons import Reason
from slapmaster.domain.reasons import explain
from slapmaster.domain.reasons import put_in_words
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import check_wanted
from slapmaster.domain.request import demands_of
from slapmaster.domain.tree import InstanceTree
from slapmaster.domain.values import freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where it would go now, or is already: ``node`` and ``partition``, empty without a place.

    ``policy`` is who chose, among more than one node perhaps; ``reasons`` say why not on the
    others, and ``text`` says it all in a sentence.
    """

    node: str = ""
    partition: str = ""
    policy: str = ""
    is_there: bool = False
    reasons: tuple[Reason, ...] = ()
    text: str = ""


def plan_service(act: Act, person: Person, project: Project, wanted: Wanted) -> Plan:
    """Plan what ``person`` would ask for in ``project``; nothing is stored."""
    check_wanted(wanted)
    key = (person.reference, project.reference, wanted.title)
    tree = act.site.trees.find_by("title", key)
    if tree is not None and tree.root is not None:
        return plan_again(act, tree.root, wanted)
    tree = InstanceTree("", wanted.title, person.reference, project.reference)
    return plan_place(act, make_up(tree, None, wanted))


def plan_child(act: Act, requester: SoftwareInstance, wanted: Wanted) -> Plan:
    """Plan what ``requester`` would ask for; nothing is stored."""
    check_wanted(wanted)
    known: Instance | None = requester.tree.instances.get(wanted.title)
    if known is not None:
        return plan_again(act, known, wanted)
    return plan_place(act, make_up(requester.tree, requester, wanted))


def plan_again(act: Act, known: Instance, wanted: Wanted) -> Plan:
    """Plan for what is there: it stays where it is, or finds another place than before."""
    if known.shared is not wanted.shared:
        raise Conflict(f"{known.title!r} is of the other kind: use another title")
    place = known.partition
    if place is None:
        return plan_place(act, make_up(known.tree, known.requester, wanted))
    return Plan(
        node=place.node.reference,
        partition=place.name,
        is_there=True,
        text=f"it is in {place.name} of {place.node.reference} and stays there",
    )


def make_up(tree: InstanceTree, requester: SoftwareInstance | None, wanted: Wanted) -> Instance:
    """Make an instance that nobody knows of."""
    kind = SharedInstance if wanted.shared else SoftwareInstance
    instance = kind("", wanted.title, tree)
    instance.requester = requester
    instance.release_url = wanted.release_url
    instance.software_type = wanted.software_type
    instance.parameters = freeze(wanted.parameters, "parameters")
    instance.demands = demands_of(wanted)
    return instance


def plan_place(act: Act, instance: Instance) -> Plan:
    check_demanded(act, instance)
    place = find_place(act, instance)
    reasons = explain(act.site, instance, placed=place is not None)
    policy = (policy_of(act, instance) or "") if not instance.shared else ""
    if place is None:
        return Plan(policy=policy, reasons=reasons, text=put_in_words(instance, reasons))
    return Plan(
        node=place.node.reference,
        partition=place.name,
        policy=policy,
        reasons=reasons,
        text=f"it would live in {place.name} of {place.node.reference}",
    )
