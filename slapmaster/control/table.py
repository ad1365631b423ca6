"""All operations of operators, by the name they are asked for."""

from slapmaster.control import beginning
from slapmaster.control import catalog
from slapmaster.control import events
from slapmaster.control import journal
from slapmaster.control import moves
from slapmaster.control import nodes
from slapmaster.control import persons
from slapmaster.control import placing
from slapmaster.control import projects
from slapmaster.control import quotas
from slapmaster.control import remotes
from slapmaster.control import services
from slapmaster.control import upkeep
from slapmaster.control.operation import Operation
from slapmaster.control.operation import changes
from slapmaster.control.operation import hears
from slapmaster.control.operation import reads
from slapmaster.control.operation import works

OPERATIONS: dict[str, Operation] = {
    "site.begin": changes(beginning.begin),
    "person.add": changes(persons.add_person),
    "person.list": reads(persons.list_persons),
    "person.show": reads(persons.show_person),
    "person.issue": changes(persons.issue_person_certificate),
    "person.revoke": changes(persons.revoke_person_certificate),
    "token.add": changes(persons.add_token),
    "project.add": changes(projects.add_project),
    "project.list": reads(projects.list_projects),
    "project.show": reads(projects.show_project),
    "project.role": changes(projects.give_role),
    "project.dismiss": changes(projects.dismiss),
    "project.policy": changes(placing.choose_policy),
    "project.category": changes(placing.declare_category),
    "node.list": hears(nodes.list_nodes),
    "node.show": hears(nodes.show_node),
    "node.cordon": changes(nodes.cordon_node),
    "node.drain": changes(nodes.drain_node),
    "node.uncordon": changes(nodes.uncordon_node),
    "node.lost": changes(nodes.lose_node),
    "quota.list": reads(quotas.list_quotas),
    "quota.person": changes(quotas.limit_person),
    "quota.project": changes(quotas.limit_project),
    "node.scope": changes(nodes.scope_node),
    "node.set": changes(placing.set_node),
    "node.revoke": changes(nodes.revoke_node_certificate),
    "node.renew": changes(nodes.renew_node_certificate),
    "supply.set": changes(nodes.supply_release),
    "supply.list": reads(nodes.list_supplied),
    "product.add": changes(catalog.add_product),
    "product.release": changes(catalog.add_release),
    "product.weight": changes(placing.weigh),
    "product.list": reads(catalog.list_products),
    "product.show": reads(catalog.show_product),
    "network.add": changes(placing.add_network),
    "network.list": reads(placing.list_networks),
    "allocation.set": changes(placing.set_supply),
    "allocation.list": reads(placing.list_supplies),
    "allocation.remove": changes(placing.remove_supply),
    "host.add": changes(placing.offer_host),
    "host.list": reads(placing.list_hosts),
    "host.remove": changes(placing.withdraw_host),
    "remote.add": changes(remotes.add_remote),
    "remote.list": reads(remotes.list_remotes),
    "service.plan": reads(placing.plan),
    "service.list": reads(services.list_services),
    "service.show": reads(services.show_service),
    "instance.list": reads(services.list_instances),
    "instance.plan_move": reads(moves.plan_instance_move),
    "instance.move": changes(moves.move_instance),
    "instance.show": reads(services.show_instance),
    "event.list": reads(events.list_events),
    "journal.last": reads(journal.last_events),
    "site.check": works(upkeep.check),
    "site.backup": works(upkeep.back_up),
    "site.pack": works(upkeep.pack),
    "site.evolve": works(upkeep.evolve),
}

#: What may be done to a database of an older version.
TIMELESS = ("site.backup", "site.evolve")
