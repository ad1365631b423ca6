"""Services and instances: found, shown as rows, and as documents of their own."""

from collections.abc import Iterator

from pyramid.request import Request
from pyramid.response import Response

from slapcore.protocol.parameters import write_parameters
from slapcore.states import InstanceState
from slapmaster.api.hateoas.begin import INSTANCES
from slapmaster.api.hateoas.begin import absent
from slapmaster.api.hateoas.begin import look_up
from slapmaster.api.hateoas.document import JSON
from slapmaster.api.hateoas.document import Field
from slapmaster.api.hateoas.document import answer
from slapmaster.api.hateoas.document import check_view
from slapmaster.api.hateoas.document import write_form
from slapmaster.api.hateoas.kind import Exact
from slapmaster.api.hateoas.kind import Kind
from slapmaster.api.hateoas.kind import common_columns
from slapmaster.api.statusview import status_of
from slapmaster.auth.permissions import Subject
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.tree import InstanceTree

TREE = "Instance Tree"
SOFTWARE = "Software Instance"
SHARED = "Slave Instance"
TREES = "instance_tree_module"

#: What is said instead of a status where a status would say nothing.
SILENT = {
    InstanceState.STOPPED: ("#nodata is an stopped instance", "is_stopped"),
    InstanceState.DESTROYED: ("#nodata is an destroyed instance", "is_destroyed"),
}


def the_tree(request: Request) -> Subject:
    trees = request.site.trees
    return about_tree(request, look_up(request, trees), absent(request, trees))


def the_instance(request: Request) -> Subject:
    instances = request.site.instances
    return about_instance(request, look_up(request, instances), absent(request, instances))


def about_tree(
    request: Request, tree: InstanceTree, unseen: str = "no such service"
) -> Subject:
    return Subject(site=request.site, instance=tree.root, tree=tree, absent=unseen)


def about_instance(
    request: Request, instance: Instance, unseen: str = "no such instance"
) -> Subject:
    place = instance.partition
    return Subject(
        site=request.site,
        node=place.node if place is not None else None,
        partition=place,
        instance=instance,
        tree=instance.tree,
        absent=unseen,
    )


def find_trees(request: Request, exact: Exact) -> Iterator[InstanceTree]:
    """Walk the asker's own services; others' only where they, or their project, are named."""
    trees, asker = request.site.trees, request.asker
    if "reference" in exact:
        found = trees.find(exact["reference"])
        return iter([found] if found is not None else [])
    if "follow_up_reference" in exact:
        return trees.all_by("project", exact["follow_up_reference"])
    if asker.instance is not None:
        return iter([asker.instance.tree] if asker.instance.tree.reference in trees else [])
    if asker.person is None:
        return iter([])
    title = [exact["title"]] if "title" in exact else []
    return (
        tree
        for project in asker.person.projects
        for tree in trees.range_by("title", asker.reference, project, *title)
    )


#: keys of instances that narrow the trees they are looked for in -> the keys of the trees
NARROWING = {
    "default_specialise_title": "title",
    "default_specialise_reference": "reference",
    "follow_up_reference": "follow_up_reference",
}


def find_instances(request: Request, exact: Exact) -> Iterator[Instance]:
    """Walk the instances of the asker's own services, or of a node, or those that are named."""
    if "reference" in exact:
        found = request.site.instances.find(exact["reference"])
        return iter([found] if found is not None else [])
    node = request.asker.node
    if "default_aggregate_reference" in exact:
        node = request.site.nodes.find(exact["default_aggregate_reference"])
        return iter(()) if node is None else walk_node(node)
    if node is not None:
        return walk_node(node)
    narrow = {theirs: exact[ours] for ours, theirs in NARROWING.items() if ours in exact}
    return (
        instance for tree in find_trees(request, narrow) for instance in tree.everything()
    )


def walk_node(node: ComputeNode) -> Iterator[Instance]:
    for partition in node.partitions.values():
        if partition.instance is not None:
            yield partition.instance
            yield from partition.shared_instances()


def find_software(request: Request, exact: Exact) -> Iterator[Instance]:
    return (found for found in find_instances(request, exact) if not found.shared)


def find_shared(request: Request, exact: Exact) -> Iterator[Instance]:
    return (found for found in find_instances(request, exact) if found.shared)


def path_of_tree(tree: InstanceTree) -> str:
    return f"{TREES}/{tree.reference}"


def path_of_instance(instance: Instance) -> str:
    return f"{INSTANCES}/{instance.reference}"


def connection_list(instance: Instance) -> list[JSON]:
    return [
        {"connection_key": key, "connection_value": value}
        for key, value in instance.connection.parameters
    ]


def news_of_instance(request: Request, instance: Instance) -> JSON:
    """Give what was last heard of ``instance``, or why nothing is to be heard of it."""
    kind = SHARED if instance.shared else SOFTWARE
    state = instance.wanted_state
    news: JSON = {
        **status_of(request, instance.reference, instance.access, kind, state.value),
        "title": instance.title,
    }
    if instance.turn is not None:
        return {**news, "text": f"#error {instance.waiting_for}"}
    if instance.shared:
        return {**news, "text": f"#nodata is a slave {instance.reference}", "is_slave": 1}
    if state in SILENT:
        text, flag = SILENT[state]
        return {**news, "text": text, flag: 1}
    return news


def news_of_tree(request: Request, tree: InstanceTree) -> JSON:
    news: JSON = {
        "portal_type": TREE,
        "reference": tree.reference,
        "title": tree.title,
        # A link to a monitoring page would have to hold its password, so none is given.
        "monitor_url": "",
        "instance": [news_of_instance(request, member) for member in tree.everything()],
    }
    if tree.root is not None and tree.root.shared:
        news["is_slave"] = 1
    if tree.state in SILENT:
        news[SILENT[tree.state][1]] = 1
    return news


def product_of(request: Request, instance: Instance) -> str:
    """Give the title of the product that ``instance`` is a release of, if it is of any."""
    products = request.site.catalog.range_by("title", instance.tree.project)
    titles = (product.title for product in products if instance.release_url in product.releases)
    return next(titles, "")


def get_tree_form(request: Request) -> Response:
    """Show a service: what was asked for, and what its first instance published."""
    check_view(request)
    tree = request.context.tree
    fields = {
        **shared_fields(request, tree.root),
        "title": Field(tree.title),
        "reference": Field(tree.reference),
        "slap_state": Field(tree.state.value),
        "news": Field(news_of_tree(request, tree)),
    }
    return answer(write_form(TREE, path_of_tree(tree), fields))


def get_instance_form(request: Request) -> Response:
    check_view(request)
    instance = request.context.instance
    fields = {
        **shared_fields(request, instance),
        "title": Field(instance.title),
        "reference": Field(instance.reference),
        "slap_state": Field(instance.wanted_state.value),
        "news": Field(news_of_instance(request, instance)),
        "specialise_title": Field(instance.tree.title),
    }
    portal_type = SHARED if instance.shared else SOFTWARE
    return answer(write_form(portal_type, path_of_instance(instance), fields))


def shared_fields(request: Request, instance: Instance) -> dict[str, Field]:
    """Give the fields that a service has in common with its first instance."""
    return {
        "short_title": Field(""),
        "description": Field("", "TextAreaField"),
        "source_title": Field(product_of(request, instance)),
        "source_reference": Field(instance.software_type),
        "url_string": Field(instance.release_url),
        "text_content": Field(write_parameters(dict(instance.parameters)), "TextAreaField"),
        "root_slave": Field(int(instance.shared), "IntegerField"),
        "connection_parameter_list": Field(connection_list(instance)),
    }


TREE_KIND = Kind(
    portal_type=TREE,
    find=find_trees,
    about=about_tree,
    permission="tree.read",
    columns={
        **common_columns(TREE, path_of_tree),
        "title": lambda _, tree: tree.title,
        "url_string": lambda _, tree: tree.root.release_url,
        "source_reference": lambda _, tree: tree.root.software_type,
        "slap_state": lambda _, tree: tree.state.value,
        "root_slave": lambda _, tree: int(tree.root.shared),
        "text_content": lambda _, tree: write_parameters(dict(tree.root.parameters)),
        "follow_up_reference": lambda _, tree: tree.project,
        "InstanceTree_getNewsDict": news_of_tree,
    },
)

INSTANCE_COLUMNS = {
    "title": lambda _, instance: instance.title,
    "url_string": lambda _, instance: instance.release_url,
    "source_reference": lambda _, instance: instance.software_type,
    "slap_state": lambda _, instance: instance.wanted_state.value,
    "text_content": lambda _, instance: write_parameters(dict(instance.parameters)),
    "getConnectionXmlAsDict": lambda _, instance: dict(instance.connection.parameters),
    "follow_up_reference": lambda _, instance: instance.tree.project,
    "default_specialise_title": lambda _, instance: instance.tree.title,
    "default_specialise_reference": lambda _, instance: instance.tree.reference,
    "default_aggregate_reference": lambda _, instance: (
        instance.partition.node.reference if instance.partition is not None else None
    ),
    "SoftwareInstance_getNewsDict": news_of_instance,
}

SOFTWARE_KIND = Kind(
    portal_type=SOFTWARE,
    find=find_software,
    about=about_instance,
    permission="partition.read",
    columns={**common_columns(SOFTWARE, path_of_instance), **INSTANCE_COLUMNS},
)

SHARED_KIND = Kind(
    portal_type=SHARED,
    find=find_shared,
    about=about_instance,
    permission="partition.read",
    columns={**common_columns(SHARED, path_of_instance), **INSTANCE_COLUMNS},
)
