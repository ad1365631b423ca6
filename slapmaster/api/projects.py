"""Which project a person means who does not say so: legacy clients never do."""

from collections.abc import Iterable
from collections.abc import Iterator

from pyramid.request import Request

from slapcore.errors import InvalidValue
from slapcore.errors import NotFound
from slapmaster.domain.catalog import SoftwareProduct
from slapmaster.domain.person import Person
from slapmaster.domain.project import Project
from slapmaster.domain.project import Role
from slapmaster.domain.request import Wanted

RUNNING_NODES = (Role.AGENT, Role.MANAGER)


def find_project(
    request: Request, reference: str | None, *, to_run_nodes: bool = False
) -> Project:
    """Find the project called ``reference``, or the asker's only one.

    Raises ``NotFound`` when the asker is in none, or not in that one, and ``InvalidValue``
    when it can't be told which is meant.
    """
    possible = projects_of(request, request.asker.person, to_run_nodes=to_run_nodes)
    if reference:
        for project in possible:
            if project.reference == reference:
                return project
        raise NotFound(f"no project {reference!r}")
    return the_only(possible)


def find_project_of_request(
    request: Request, reference: str | None, wanted: Wanted
) -> Project:
    """Find the project a service is requested in, by whatever tells projects apart."""
    if reference:
        return find_project(request, reference)
    possible = projects_of(request, request.asker.person)
    if len(possible) > 1:
        for narrow in (has_service, is_demanded, has_release):
            fitting = [found for found in possible if narrow(request, found, wanted)]
            possible = fitting or possible
            if len(possible) == 1:
                break
    return the_only(possible)


def projects_to_read(request: Request, reference: str | None) -> list[Project]:
    """Give the projects whose catalogue the asker may read: all of theirs, or the one named."""
    asker = request.asker
    if asker.person is not None:
        if reference:
            return [find_project(request, reference)]
        return projects_of(request, asker.person)
    own = asker.node.project if asker.node is not None else asker.instance.tree.project
    if reference not in (None, "", own):
        raise NotFound(f"no project {reference!r}")
    return [request.site.projects[own]]


def products_in(request: Request, projects: Iterable[Project]) -> Iterator[SoftwareProduct]:
    for project in projects:
        yield from request.site.catalog.range_by("title", project.reference)


def projects_of(
    request: Request, person: Person, *, to_run_nodes: bool = False
) -> list[Project]:
    projects = [request.site.projects[reference] for reference in person.projects]
    if not to_run_nodes:
        return projects
    return [project for project in projects if project.role_of(person) in RUNNING_NODES]


def the_only(possible: list[Project]) -> Project:
    if not possible:
        raise NotFound("you are not a member of any project in which this can be done")
    if len(possible) > 1:
        names = ", ".join(project.reference for project in possible[:10])
        raise InvalidValue(
            f"it can't be told which of your projects is meant ({names}): "
            "name one by project_reference, or by project_guid"
        )
    return possible[0]


def has_service(request: Request, project: Project, wanted: Wanted) -> bool:
    key = (request.asker.person.reference, project.reference, wanted.title)
    return request.site.trees.find_by("title", key) is not None


def is_demanded(request: Request, project: Project, wanted: Wanted) -> bool:
    node = request.site.nodes.find(wanted.demands.get("node", ""))
    if node is not None and node.project == project.reference:
        return True
    return wanted.demands.get("project") == project.reference


def has_release(request: Request, project: Project, wanted: Wanted) -> bool:
    return bool(request.site.room.supplied.get((project.reference, wanted.release_url)))
