"""What is said of a partition and the instance in it: by its node, and by the instance itself."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import Conflict
from slapcore.errors import NotFound
from slapcore.protocol import marshal
from slapcore.protocol import status as wire_status
from slapmaster.api import nodeview
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import answer
from slapmaster.api.classic.endpoint import answer_encoded
from slapmaster.api.classic.endpoint import nothing
from slapmaster.api.classic.endpoint import words
from slapmaster.api.classic.subject import the_partition
from slapmaster.api.classic.subject import the_registered_partition
from slapmaster.api.classic.values import is_said
from slapmaster.api.classic.values import read_mapping
from slapmaster.api.heard import heard_of_instance
from slapmaster.api.statusview import status_of
from slapmaster.domain.bang import bang_tree
from slapmaster.domain.certification import certify_instance
from slapmaster.domain.departure import report_gone
from slapmaster.domain.feed import EventKind
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import find_on
from slapmaster.domain.instance import instance_on
from slapmaster.domain.publish import publish_connection
from slapmaster.domain.request import rename

PARTITION = ("computer_id", "computer_partition_id")


def spoken_of(request: Request) -> Instance:
    """Give the instance in the partition, or the shared one in it that the fields name."""
    reference = request.fields.get("slave_reference", "")
    return find_on(request.context.partition, reference if is_said(reference) else None)


def heard(
    request: Request, text: str, log: str = "", kind: EventKind | None = None
) -> Instance:
    """Keep what is said of an instance; what was said before is no news."""
    instance = spoken_of(request)
    heard_of_instance(request, instance, text, log, kind)
    return instance


@Endpoint(
    name="startedComputerPartition", method="POST", about=the_partition,
    permission="partition.report", required=PARTITION, report=True,
)  # fmt: skip
def started(request: Request) -> Response:
    heard(request, wire_status.instance_started().text, kind=EventKind.STARTED)
    return nothing()


@Endpoint(
    name="stoppedComputerPartition", method="POST", about=the_partition,
    permission="partition.report", required=PARTITION, report=True,
)  # fmt: skip
def stopped(request: Request) -> Response:
    heard(request, wire_status.instance_stopped().text, kind=EventKind.STOPPED)
    return nothing()


@Endpoint(
    name="destroyedComputerPartition", method="POST", about=the_partition,
    permission="partition.report", required=PARTITION,
)  # fmt: skip
def destroyed(request: Request) -> Response:
    try:
        report_gone(request.act, instance_on(request.context.partition))
    except (Conflict, NotFound) as refused:
        return words(str(refused))  # the client expects success and tries again later
    return nothing()


@Endpoint(
    name="softwareInstanceError", method="POST", about=the_partition,
    permission="partition.speak", required=PARTITION, optional=("error_log", "slave_reference"),
)  # fmt: skip
def failed(request: Request) -> Response:
    log = request.fields.get("error_log", "")
    heard(request, wire_status.instance_failed(log).text, log, EventKind.ERROR)
    return nothing()


@Endpoint(
    name="softwareInstanceBang", method="POST", about=the_partition,
    permission="partition.speak", required=PARTITION, optional=("message",),
)  # fmt: skip
def bang(request: Request) -> Response:
    message = request.fields.get("message", "")
    instance = heard(request, wire_status.instance_banged(message).text, message)
    bang_tree(request.act, instance)
    return words("OK")


@Endpoint(
    name="softwareInstanceRename", method="POST", about=the_partition,
    permission="partition.speak", required=(*PARTITION, "new_name"), optional=("slave_reference",),
)  # fmt: skip
def rename_instance(request: Request) -> Response:
    rename(request.act, spoken_of(request), request.fields["new_name"])
    return nothing()


@Endpoint(
    name="setComputerPartitionConnectionXml", method="POST", about=the_partition,
    permission="partition.speak", required=(*PARTITION, "connection_xml"),
    optional=("slave_reference",), marshalled=("connection_xml",),
)  # fmt: skip
def set_connection(request: Request) -> Response:
    publish_connection(
        request.act, spoken_of(request), read_mapping(request.fields, "connection_xml")
    )
    return nothing()


@Endpoint(
    name="updateComputerPartitionRelatedInstanceList", method="POST", about=the_partition,
    permission="partition.speak", required=(*PARTITION, "instance_reference_xml"),
    marshalled=("instance_reference_xml",), report=True,
)  # fmt: skip
def update_related(request: Request) -> Response:
    """Take note of what an instance asked for in this run; nothing is collected by it."""
    marshal.decode(request.fields["instance_reference_xml"])
    return nothing()


@Endpoint(
    name="registerComputerPartition", method="GET", about=the_registered_partition,
    permission="partition.read",
    required=("computer_reference", "computer_partition_reference"),
)  # fmt: skip
def register(request: Request) -> Response:
    partition = request.context.partition
    body = request.registry.answers.answer(
        ("partition", partition.node.reference, partition.name),
        nodeview.records_of_partition(partition),
        lambda: marshal.encode(nodeview.write_partition(partition, with_status=False)),
    )
    return answer_encoded(body)


@Endpoint(
    name="getComputerPartitionStatus", method="GET", about=the_partition,
    permission="partition.read", required=PARTITION,
)  # fmt: skip
def get_status(request: Request) -> Response:
    instance = instance_on(request.context.partition)
    return answer(
        status_of(
            request,
            instance.reference,
            instance.access,
            "Software Instance",
            instance.wanted_state.value,
        )
    )


@Endpoint(
    name="getHostingSubscriptionIpList", method="GET", about=the_partition,
    permission="partition.read", required=PARTITION,
)  # fmt: skip
def get_tree_addresses(request: Request) -> Response:
    instance = request.context.instance
    places = {} if instance is None else places_of_tree(instance)
    return answer([pair for place in places.values() for pair in nodeview.ip_list(place)])


def places_of_tree(instance: Instance) -> dict[tuple[str, str], nodeview.ComputePartition]:
    return {
        (member.partition.node.reference, member.partition.name): member.partition
        for member in instance.tree.everything()
        if member.partition is not None and not member.shared
    }


@Endpoint(
    name="getComputerPartitionCertificate", method="GET", about=the_partition,
    permission="partition.key", required=PARTITION,
)  # fmt: skip
def get_certificate(request: Request) -> Response:
    """Deliver the key of an instance to the node that hosts it."""
    instance = instance_on(request.context.partition)
    secret = certify_instance(request.act, instance)
    if secret is None:
        response = answer({"certificate": "", "key": ""})
    else:
        key = request.registry.issuer.open(secret.sealed, instance.reference)
        response = answer({"certificate": secret.certificate, "key": key})
    response.headers["Cache-Control"] = "private, no-store"
    return response
