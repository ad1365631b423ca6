"""A service as a whole, changed by its owner or by whoever runs its project."""

from pyramid.request import Request

from slapcore.protocol.jsonrpc import JSON
from slapcore.states import InstanceState
from slapmaster.api.demands import read_demands
from slapmaster.api.jsonrpc.document import write_instance
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.subject import TREE_ABSENT
from slapmaster.api.jsonrpc.subject import the_service
from slapmaster.api.texts import texts_of
from slapmaster.domain.instance import Instance
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import change_service


@Method(
    name="slapos.put.WIP.instance_tree", about=the_service,
    permission="tree.change", absent=TREE_ABSENT,
)  # fmt: skip
def change(request: Request) -> JSON:
    """Change what is said of a service and nothing else; no other change comes in between."""
    wanted = read_changed(request.context.instance, request.said)
    return write_instance(change_service(request.act, request.context.tree, wanted))


def read_changed(root: Instance, said: JSON) -> Wanted:
    parameters, demands = dict(root.parameters), dict(root.demands)
    if "parameters" in said:
        parameters = texts_of(said["parameters"], "parameters")
    if "sla_parameters" in said:
        demands = read_demands(texts_of(said["sla_parameters"], "sla_parameters"))
    return Wanted(
        title=said.get("new_title", root.title),
        release_url=said.get("software_release_uri", root.release_url),
        software_type=said.get("software_type", root.software_type),
        state=InstanceState(said.get("state", root.state.value)),
        parameters=parameters,
        demands=demands,
        shared=root.shared,
    )
