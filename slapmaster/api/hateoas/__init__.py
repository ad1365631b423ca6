"""HATEOAS: documents that link to one another, as far as the legacy command line walks them.

Where there is a document is said by templates (RFC 6570) in the first one.  Every kind of
document has a route, a finder and a permission of its own.
"""

from pyramid.config import Configurator

from slapmaster.api.address import HATEOAS_PATH
from slapmaster.api.hateoas import begin
from slapmaster.api.hateoas import instance
from slapmaster.api.hateoas import node
from slapmaster.api.hateoas import person
from slapmaster.api.hateoas import search
from slapmaster.api.route import WayIn
from slapmaster.api.route import add_way_in

#: name of the route, path, what it is about, who may, and the view
ROUTES = (
    ("begin", "", begin.the_site, "site.search", begin.get_beginning),
    ("begin/", "/", begin.the_site, "site.search", begin.get_beginning),
    ("search", "/search", begin.the_site, "site.search", search.get_rows),
    (
        "token", "/computer_module/Base_getComputerToken",
        begin.the_site, "node.register", person.get_node_token,
    ),
    ("person", "/person_module/{reference}", person.the_person, "person.read", person.get_form),
    (
        "tree", "/instance_tree_module/{reference}",
        instance.the_tree, "tree.read", instance.get_tree_form,
    ),
    (
        "instance", "/software_instance_module/{reference}",
        instance.the_instance, "partition.read", instance.get_instance_form,
    ),
    (
        "node", "/compute_node_module/{reference}",
        node.the_node, "node.glimpse", node.get_form,
    ),
    (
        "installation", "/compute_node_module/{reference}/{installation}",
        node.the_node, "node.glimpse", node.get_installation_form,
    ),
)  # fmt: skip


def includeme(config: Configurator) -> None:
    """Add every kind of document."""
    for name, path, about, permission, view in ROUTES:
        way = WayIn(
            name=f"hateoas.{name}",
            path=HATEOAS_PATH + path,
            method="GET",
            view=view,
            about=about,
            permission=permission,
        )
        add_way_in(config, way)
