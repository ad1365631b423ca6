"""Instances that move to another node."""

from dataclasses import asdict
from typing import Any

from slapmaster.control.services import find_instance
from slapmaster.control.services import write_instance
from slapmaster.domain.act import Act
from slapmaster.domain.move import move
from slapmaster.domain.move import plan_move

Answer = dict[str, Any]


def plan_instance_move(act: Act, instance: str) -> Answer:
    """Say where an instance would move, or why it can't."""
    plan = plan_move(act, find_instance(act, instance))
    return {**asdict(plan), "reasons": [asdict(reason) for reason in plan.reasons]}


def move_instance(act: Act, instance: str) -> Answer:
    found = find_instance(act, instance)
    move(act, found)
    return write_instance(found)
