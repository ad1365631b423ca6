"""How much a person, or all in a project, may have.

What is there is counted where there is a limit, and only then.  What was told to go counts no
more, though it may still be on its node.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace

from slapcore.errors import InvalidValue
from slapcore.errors import QuotaExceeded
from slapmaster.domain.act import Act
from slapmaster.domain.person import Person
from slapmaster.domain.person import Quota
from slapmaster.domain.project import Project
from slapmaster.domain.site import Site
from slapmaster.domain.tree import InstanceTree


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is: instances of all kinds, and those with a partition of their own."""

    instances: int
    partitions: int


def set_quota(act: Act, holder: Person | Project, limits: dict[str, int]) -> bool:
    """Set these limits of ``holder``; 0 is none.  Tell whether that changed anything."""
    for name, limit in limits.items():
        if limit < 0:
            raise InvalidValue(f"a limit of {name} can't be {limit}")
    wanted = replace(holder.quota, **limits)
    if wanted == holder.quota:
        return False
    holder.quota = wanted
    act.note("quota set", holder.reference, wanted.in_words())
    return True


def check_quota(site: Site, tree: InstanceTree, *, shared: bool) -> None:
    """Raise ``QuotaExceeded`` when one more instance in ``tree`` were too many."""
    project, owner = site.projects[tree.project], site.persons.find(tree.owner)
    if project.quota.counts:
        trees = site.trees.all_by("project", project.reference)
        refuse_more(f"project {project.title!r}", project.quota, count(trees), shared=shared)
    if owner is not None and owner.quota.counts:
        trees = site.trees.range_by("title", owner.reference)
        refuse_more(owner.name, owner.quota, count(trees), shared=shared)


def count(trees: Iterable[InstanceTree]) -> Tally:
    instances = partitions = 0
    for tree in trees:
        for instance in tree.instances.values():
            instances += 1
            partitions += not instance.shared
    return Tally(instances, partitions)


def refuse_more(who: str, quota: Quota, there: Tally, *, shared: bool) -> None:
    if quota.instances and there.instances >= quota.instances:
        raise QuotaExceeded(
            f"the quota of {who} is {quota.instances} instances, and {there.instances} are there"
        )
    if quota.partitions and not shared and there.partitions >= quota.partitions:
        raise QuotaExceeded(
            f"the quota of {who} is {quota.partitions} partitions, and {there.partitions} are taken"
        )
