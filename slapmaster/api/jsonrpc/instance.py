"""Ask for an instance, look at it, and what is said of it by its node and by itself."""

from pyramid.request import Request

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.protocol import status as wire_status
from slapcore.protocol.jsonrpc import JSON
from slapcore.states import InstanceState
from slapmaster.api.demands import read_demands
from slapmaster.api.heard import heard_of_instance
from slapmaster.api.jsonrpc.document import write_instance
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.method import succeeded
from slapmaster.api.jsonrpc.subject import HOST_ABSENT
from slapmaster.api.jsonrpc.subject import INSTANCE_ABSENT
from slapmaster.api.jsonrpc.subject import TREE_ABSENT
from slapmaster.api.jsonrpc.subject import the_instance
from slapmaster.api.jsonrpc.subject import the_partition
from slapmaster.api.jsonrpc.subject import the_requester
from slapmaster.api.jsonrpc.subject import the_service
from slapmaster.api.jsonrpc.subject import the_site
from slapmaster.api.pace import keep_pace
from slapmaster.api.pace import keep_pace_of_tree
from slapmaster.api.projects import find_project_of_request
from slapmaster.api.texts import texts_of
from slapmaster.domain.bang import bang_tree
from slapmaster.domain.departure import report_gone
from slapmaster.domain.feed import EventKind
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import SharedInstance
from slapmaster.domain.instance import SoftwareInstance
from slapmaster.domain.instance import instance_on
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import rename
from slapmaster.domain.request import request_child
from slapmaster.domain.request import request_service

WRONG_STATE = "SOFTWARE-INSTANCE-WRONG-REPORTED-STATE"
PROJECT_ABSENT = "PROJECT-NOT-FOUND"


@Method(
    name="slapos.post.v0.software_instance", about=the_requester,
    permission="service.request", absent=INSTANCE_ABSENT,
    words=((NotFound, PROJECT_ABSENT, 403),),
)  # fmt: skip
def request_instance(request: Request) -> JSON:
    """What waits for a place is told without one: to refuse it would undo the request."""
    return write_instance(ask(request, read_wanted(request.said)))


def ask(request: Request, wanted: Wanted) -> Instance:
    partition = request.context.partition
    if partition is not None:
        keep_pace_of_tree(request, instance_on(partition).tree)
        return request_child(request.act, instance_on(partition), wanted)
    project = find_project_of_request(request, wanted.demands.get("project"), wanted)
    keep_pace(request, request.asker.person, project)
    return request_service(request.act, request.asker.person, project, wanted)


def read_wanted(said: JSON) -> Wanted:
    return Wanted(
        title=said["title"],
        release_url=said["software_release_uri"],
        software_type=said["software_type"],
        state=InstanceState(said.get("state", "started")),
        parameters=texts_of(said.get("parameters", {}), "parameters"),
        demands=read_demands(texts_of(said.get("sla_parameters", {}), "sla_parameters")),
        shared=said.get("shared", False),
    )


@Method(
    name="slapos.allDocs.v0.instance_tree_list", about=the_site,
    permission="site.search", writes=False,
)  # fmt: skip
def list_services(request: Request) -> JSON:
    """List the services of a person, or the one that an instance is part of."""
    asker = request.asker
    if asker.person is not None:
        trees = list(request.site.trees.range_by("title", asker.person.reference))
    else:
        trees = [asker.instance.tree] if asker.instance is not None else []
    return {"result_list": [{"title": tree.title} for tree in trees]}


@Method(
    name="slapos.allDocs.v0.instance_node_instance_list", about=the_instance,
    permission="partition.read", absent=HOST_ABSENT, writes=False,
    words=((NotFound, HOST_ABSENT, 403),),
)  # fmt: skip
def list_shared(request: Request) -> JSON:
    host = request.context.instance
    if host.shared:
        raise NotFound(f"{host.reference} is a shared instance itself")
    place = host.partition
    guests = place.shared_instances() if place is not None else ()
    return {"result_list": [write_shared(shared) for shared in guests]}


def write_shared(shared: SharedInstance) -> JSON:
    assert shared.partition is not None
    return {
        "title": shared.title,
        "instance_guid": shared.reference,
        "software_type": shared.software_type,
        "state": shared.wanted_state.value,
        "parameters": dict(shared.parameters),
        "compute_partition_id": shared.partition.name,
    }


@Method(
    name="slapos.get.v0.compute_partition", about=the_partition,
    permission="partition.read", absent=INSTANCE_ABSENT, writes=False,
    words=((NotFound, INSTANCE_ABSENT, 403),),
)  # fmt: skip
def get_partition(request: Request) -> JSON:
    return write_instance(instance_on(request.context.partition))


@Method(
    name="slapos.get.v0.instance_tree", about=the_service,
    permission="partition.read", absent=TREE_ABSENT, writes=False,
)  # fmt: skip
def get_service(request: Request) -> JSON:
    return write_instance(request.context.instance)


@Method(
    name="slapos.get.v0.software_instance", about=the_instance,
    permission="partition.read", absent=INSTANCE_ABSENT, writes=False,
)  # fmt: skip
def get_instance(request: Request) -> JSON:
    return write_instance(request.context.instance)


@Method(
    name="slapos.put.v0.software_instance_bang", about=the_instance,
    permission="partition.speak", absent=INSTANCE_ABSENT,
)  # fmt: skip
def bang(request: Request) -> JSON:
    instance, message = request.context.instance, request.said.get("message", "")
    heard_of_instance(request, instance, wire_status.instance_banged(message).text, message)
    bang_tree(request.act, instance)
    return succeeded("Bang handled")


@Method(
    name="slapos.put.v0.software_instance_error", about=the_instance,
    permission="partition.speak", absent=INSTANCE_ABSENT,
)  # fmt: skip
def failed(request: Request) -> JSON:
    message = request.said.get("message", "")
    text = wire_status.instance_failed(message).text
    heard_of_instance(request, request.context.instance, text, message, EventKind.ERROR)
    return succeeded("Error reported")


@Method(
    name="slapos.put.v0.software_instance_connection_parameter", about=the_instance,
    permission="partition.speak", absent=INSTANCE_ABSENT,
)  # fmt: skip
def publish(request: Request) -> JSON:
    name = "connection_parameter_dict"
    parameters = texts_of(request.said[name], name)
    if publish_connection(request.act, request.context.instance, parameters):
        return succeeded("connection parameter updated")
    return succeeded("connection parameter not modified as identical")


@Method(
    name="slapos.put.v0.software_instance_reported_state", about=the_instance,
    permission="partition.report", absent=INSTANCE_ABSENT, repeated=("started", "stopped"),
    words=((Conflict, WRONG_STATE, 403),),
)  # fmt: skip
def report_state(request: Request) -> JSON:
    instance, state = request.context.instance, request.said["reported_state"]
    if state == "destroyed":
        report_gone(request.act, software_instance(instance))
    elif state == "started":
        text = wire_status.instance_started().text
        heard_of_instance(request, instance, text, kind=EventKind.STARTED)
    else:
        text = wire_status.instance_stopped().text
        heard_of_instance(request, instance, text, kind=EventKind.STOPPED)
    return succeeded("State reported")


def software_instance(instance: Instance) -> SoftwareInstance:
    """Refuse a shared instance: it goes when it is told to, and no node removes it."""
    if not isinstance(instance, SoftwareInstance):
        raise Conflict(f"{instance.title!r} is shared: it has no place of its own to be gone from")
    return instance


@Method(
    name="slapos.put.v0.software_instance_title", about=the_instance,
    permission="partition.speak", absent=INSTANCE_ABSENT,
)  # fmt: skip
def change_title(request: Request) -> JSON:
    rename(request.act, request.context.instance, request.said["title"])
    return succeeded("Title updated")
