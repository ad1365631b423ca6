"""The table: permission -> who.  Whatever is not in it is denied.

A permission is asked of an identity for a subject: what the request is about.  Whoever may not
even ``see`` the subject is told that there is no such thing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from slapmaster.auth.identity import Identity
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.node import ComputePartition
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.project import Role
from slapmaster.domain.site import Site
from slapmaster.domain.tree import InstanceTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a request is about; ``absent`` is what to answer if the asker may not know of it.

    ``home`` is the project as such.
    """

    site: Site
    node: ComputeNode | None = None
    partition: ComputePartition | None = None
    instance: Instance | None = None
    tree: InstanceTree | None = None
    person: Person | None = None
    home: Project | None = None
    absent: str = "no such thing"

    @property
    def is_site(self) -> bool:
        """Tell whether it is about nothing in particular."""
        parts = (self.node, self.partition, self.instance, self.tree, self.person, self.home)
        return all(part is None for part in parts)

    @property
    def project(self) -> str | None:
        if self.tree is not None:
            return self.tree.project
        if self.home is not None:
            return self.home.reference
        return self.node.project if self.node is not None else None


Relation = Callable[[Identity, Subject], bool]


def anyone(identity: Identity, subject: Subject) -> bool:
    """Everybody who has proved who they are."""
    return True


def a_requester(identity: Identity, subject: Subject) -> bool:
    """A person, or the instance in the partition that is named as requester."""
    if subject.partition is not None:
        return the_instance(identity, subject)
    return identity.person is not None


def a_person(identity: Identity, subject: Subject) -> bool:
    return identity.person is not None


def oneself(identity: Identity, subject: Subject) -> bool:
    return identity.person is not None and identity.person is subject.person


def operator(identity: Identity, subject: Subject) -> bool:
    return identity.person is not None and identity.person.operator


def the_node(identity: Identity, subject: Subject) -> bool:
    """The node itself, or the one that the partition is on."""
    return identity.node is not None and identity.node is subject.node


def the_instance(identity: Identity, subject: Subject) -> bool:
    """The very instance, or the host of the shared instance in question."""
    if identity.instance is None or subject.instance is None:
        return False
    if isinstance(subject.instance, SharedInstance):
        return subject.instance.host is identity.instance
    return identity.instance is subject.instance


def an_instance_here(identity: Identity, subject: Subject) -> bool:
    """An instance that lives on the node."""
    place = identity.instance.partition if identity.instance is not None else None
    return place is not None and place.node is subject.node


def same_tree(identity: Identity, subject: Subject) -> bool:
    return (
        identity.instance is not None
        and subject.instance is not None
        and identity.instance.tree is subject.instance.tree
    )


def owner(identity: Identity, subject: Subject) -> bool:
    tree = subject.tree
    return identity.person is not None and tree is not None and tree.owner == identity.reference


def role_in_project(identity: Identity, subject: Subject) -> Role | None:
    if identity.person is None or subject.project is None:
        return None
    return subject.site.projects[subject.project].role_of(identity.person)


def member(identity: Identity, subject: Subject) -> bool:
    return role_in_project(identity, subject) is not None


def a_builder(identity: Identity, subject: Subject) -> bool:
    """A node, or whoever runs the nodes of some project."""
    return identity.node is not None or find_workplace(identity, subject.site) is not None


def find_workplace(identity: Identity, site: Site) -> str | None:
    """Find the first project whose nodes a person runs."""
    if identity.person is None:
        return None
    for reference in sorted(identity.person.projects):
        if site.projects[reference].role_of(identity.person) in (Role.AGENT, Role.MANAGER):
            return str(reference)
    return None


def production(identity: Identity, subject: Subject) -> bool:
    """Whoever runs the project's nodes."""
    return role_in_project(identity, subject) in (Role.AGENT, Role.MANAGER)


PERMISSIONS: dict[str, tuple[Relation, ...]] = {
    # a node, seen with all that lives on it
    "node.read": (the_node, production, operator),
    # a node, seen with what the asker has on it
    "node.glimpse": (the_node, production, operator, an_instance_here, member),
    "node.report": (the_node,),
    "node.format": (the_node, production),
    "node.supply": (the_node, production),
    "node.manage": (production, operator),
    "node.certificate": (the_node, production, operator),
    # a partition and the instance in it
    "partition.read": (the_node, the_instance, same_tree, owner, production, operator),
    "partition.report": (the_node,),
    "partition.speak": (the_node, the_instance),
    "partition.key": (the_node,),
    # a service
    "tree.read": (owner, production, operator, same_tree),
    "tree.change": (owner, production),
    "person.read": (oneself, operator),
    # a project: what happens to one's own services, or to all there is in it
    "project.follow": (member, operator),
    "project.run": (production, operator),
    # the site
    "service.request": (a_requester,),
    "node.register": (a_person,),
    "catalog.read": (anyone,),
    # in which project is found among those that the asker runs
    "catalog.write": (a_person,),
    "site.search": (anyone,),
    # the binary cache: whose signature counts is another question
    "cache.read": (anyone,),
    "cache.put": (a_builder,),
}

#: By any of these the asker may know that a service, an instance or a partition exists; whether a
#: neighbour on the same node does is nobody's business.
SEE_INSIDE: tuple[Relation, ...] = (
    the_node, the_instance, same_tree, owner, production, operator,
)  # fmt: skip
#: By any of these the asker may know that a node, or whatever else it is about, exists.
SEE: tuple[Relation, ...] = (the_node, an_instance_here, member, oneself, operator)


def is_within_claim(identity: Identity, subject: Subject) -> bool:
    """Tell whether ``subject`` is the partition that ``identity`` has narrowed itself to."""
    if identity.claim is None:
        return True
    place = subject.partition
    return place is not None and (place.node.reference, place.name) == identity.claim


def is_allowed(identity: Identity, permission: str, subject: Subject) -> bool:
    if not is_within_claim(identity, subject):
        return False
    if identity.alone:
        return permission in PERMISSIONS
    relations = PERMISSIONS.get(permission, ())
    return any(relation(identity, subject) for relation in relations)


def may_see(identity: Identity, subject: Subject) -> bool:
    """Tell whether ``identity`` may know that there is such a thing at all."""
    if identity.alone or subject.is_site:
        return True
    inside = subject.partition is not None or subject.tree is not None
    relations = SEE_INSIDE if inside else SEE
    return any(relation(identity, subject) for relation in relations)
