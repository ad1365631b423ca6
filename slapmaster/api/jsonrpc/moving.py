"""Instances that move to another node: where they would, and that they do."""

from dataclasses import asdict

from pyramid.request import Request

from slapcore.errors import Conflict
from slapcore.protocol.jsonrpc import JSON
from slapmaster.api.jsonrpc.document import write_instance
from slapmaster.api.jsonrpc.method import Method
from slapmaster.api.jsonrpc.subject import INSTANCE_ABSENT
from slapmaster.api.jsonrpc.subject import the_instance
from slapmaster.domain.move import move
from slapmaster.domain.move import plan_move

IMMOVABLE = "SOFTWARE-INSTANCE-CAN-NOT-MOVE"


@Method(
    name="slapos.get.WIP.software_instance_move_plan", about=the_instance,
    permission="tree.change", absent=INSTANCE_ABSENT, writes=False,
    words=((Conflict, IMMOVABLE, 409),),
)  # fmt: skip
def get_plan(request: Request) -> JSON:
    """Nothing is stored, whatever would become of the move."""
    plan = plan_move(request.act, request.context.instance)
    return {
        "possible": bool(plan.node),
        "computer_guid": plan.node,
        "compute_partition_id": plan.partition,
        "policy": plan.policy,
        "reason_list": [asdict(reason) for reason in plan.reasons],
        "message": plan.text,
    }


@Method(
    name="slapos.put.WIP.software_instance_move", about=the_instance,
    permission="tree.change", absent=INSTANCE_ABSENT,
    words=((Conflict, IMMOVABLE, 409),),
)  # fmt: skip
def move_instance(request: Request) -> JSON:
    instance = request.context.instance
    move(request.act, instance)
    return write_instance(instance)
