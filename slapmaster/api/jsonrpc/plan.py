"""Plan: where a request would lead, or why there is no place for it."""

from dataclasses import asdict

from pyramid.request import Request

from slapcore.errors import NotFound
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.jsonrpc.instance import PROJECT_ABSENT
from slapmaster.api.jsonrpc.instance import read_wanted
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.subject import INSTANCE_ABSENT
from slapmaster.api.jsonrpc.subject import the_requester
from slapmaster.api.projects import find_project_of_request
from slapmaster.domain.instance import instance_on
from slapmaster.domain.plan import Plan
from slapmaster.domain.plan import plan_child
from slapmaster.domain.plan import plan_service


@Method(
    name="slapos.get.WIP.instance_plan", about=the_requester,
    permission="service.request", absent=INSTANCE_ABSENT, writes=False,
    words=((NotFound, PROJECT_ABSENT, 403),),
)  # fmt: skip
def get_plan(request: Request) -> JSON:
    """Nothing is stored, whatever would become of the request."""
    plan = make_plan(request)
    return {
        "computer_guid": plan.node,
        "compute_partition_id": plan.partition,
        "is_there": plan.is_there,
        "policy": plan.policy,
        "reason_list": [asdict(reason) for reason in plan.reasons],
        "message": plan.text,
    }


def make_plan(request: Request) -> Plan:
    wanted, partition = read_wanted(request.said), request.context.partition
    if partition is not None:
        return plan_child(request.act, instance_on(partition), wanted)
    project = find_project_of_request(request, wanted.demands.get("project"), wanted)
    return plan_service(request.act, request.asker.person, project, wanted)
