"""Ask for an instance, by a person or by another instance."""

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import InvalidValue
from slapcore.protocol import marshal
from slapcore.states import InstanceState
from slapmaster.api import nodeview
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.endpoint import answer_encoded
from slapmaster.api.classic.subject import partition_called
from slapmaster.api.classic.subject import the_site
from slapmaster.api.classic.values import decode
from slapmaster.api.classic.values import is_said
from slapmaster.api.classic.values import read_flag
from slapmaster.api.classic.values import read_mapping
from slapmaster.api.demands import read_demands
from slapmaster.api.errors import refusal
from slapmaster.api.pace import keep_pace
from slapmaster.api.pace import keep_pace_of_tree
from slapmaster.api.projects import find_project_of_request
from slapmaster.auth.permissions import Subject
from slapmaster.domain.instance import Instance
from slapmaster.domain.instance import instance_on
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_child
from slapmaster.domain.request import request_service

DEFAULT_TYPE = "default"


def the_requester(request: Request, fields: dict[str, str]) -> Subject:
    """Find the partition that asks, or the site when a person does."""
    node, name = fields.get("computer_id", ""), fields.get("computer_partition_id", "")
    if is_said(node) and is_said(name):
        return partition_called(request, node, name)
    return the_site(request, fields)


@Endpoint(
    name="requestComputerPartition", method="POST", about=the_requester,
    permission="service.request",
    required=("software_release", "partition_reference"),
    optional=(
        "computer_id", "computer_partition_id", "software_type", "shared_xml",
        "partition_parameter_xml", "filter_xml", "state", "project_reference",
    ),
    marshalled=("shared_xml", "partition_parameter_xml", "filter_xml", "state"),
)  # fmt: skip
def request_partition(request: Request) -> Response:
    instance = ask(request, read_wanted(request.fields))
    if instance.partition is None:
        # Returned, not raised: what is waiting now must be kept.
        response = refusal(instance.waiting_for or "the instance is being destroyed", 408)
        response.headers["Cache-Control"] = "private"
        return response
    body = request.registry.answers.answer(
        ("requested", instance.reference),
        nodeview.records_of_answer(instance),
        lambda: marshal.encode(nodeview.write_requested(instance)),
    )
    return answer_encoded(body)


def ask(request: Request, wanted: Wanted) -> Instance:
    partition = request.context.partition
    if partition is not None:
        keep_pace_of_tree(request, instance_on(partition).tree)
        return request_child(request.act, instance_on(partition), wanted)
    project = find_project_of_request(
        request,
        request.fields.get("project_reference") or wanted.demands.get("project"),
        wanted,
    )
    keep_pace(request, request.asker.person, project)
    return request_service(request.act, request.asker.person, project, wanted)


def read_wanted(fields: dict[str, str]) -> Wanted:
    """Read what is asked for; raises ``ProtocolError`` or ``InvalidValue``."""
    software_type = fields.get("software_type", "")
    return Wanted(
        title=fields["partition_reference"],
        release_url=fields["software_release"],
        software_type=software_type if is_said(software_type) else DEFAULT_TYPE,
        state=read_state(fields.get("state", "")),
        parameters=read_mapping(fields, "partition_parameter_xml"),
        demands=read_demands(read_mapping(fields, "filter_xml")),
        shared=read_flag(fields, "shared_xml"),
    )


def read_state(xml: str) -> InstanceState:
    """Read the state, marshalled: nothing said means started."""
    state = decode(xml) if xml else None
    if state is None:
        return InstanceState.STARTED
    try:
        return InstanceState(state)
    except ValueError as error:
        known = ", ".join(InstanceState)
        raise InvalidValue(
            f"{str(state)[:80]!r} is no state of an instance; known are {known}"
        ) from error
