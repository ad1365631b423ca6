"""Carrying out what is placed on remote nodes: the orders are taken, asked for there, reported.

Each remote has a thread of its own, and no transaction is open while it is asked: one that does
not answer, or answers what is none, delays nobody but itself.
"""

import logging
import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from ZODB.POSException import POSError

from slapcore.errors import ConfigurationError
from slapcore.errors import NotReady
from slapcore.errors import SlapError
from slapcore.errors import Unavailable
from slapcore.errors import Untrusted
from slapcore.slap.connection import Target
from slapcore.slap.master import Master as There
from slapcore.slap.wish import Wish
from slapcore.states import InstanceState
from slapmaster.api.demands import write_demands
from slapmaster.control.operation import Asked
from slapmaster.control.operation import act_once
from slapmaster.domain.act import Act
from slapmaster.domain.instance import Instance
from slapmaster.domain.node import ComputeNode
from slapmaster.domain.remote import Order
from slapmaster.domain.remote import Outcome
from slapmaster.domain.remote import Way
from slapmaster.domain.remote import report_outcome
from slapmaster.domain.remote import take_orders
from slapmaster.domain.report import report_node
from slapmaster.domain.request import Wanted
from slapmaster.domain.request import request_service
from slapmaster.master import Master
from slapmaster.storage import opened

log = logging.getLogger(__name__)

#: Seconds that a remote may take for each part of an answer.
PATIENCE = 20.0
#: What keeps a remote from being asked at all, whatever it is asked.
UNREACHABLE = (Unavailable, Untrusted, ConfigurationError)

AskThere = Callable[[Order], Outcome]


@contextmanager
def forwarding(master: Master) -> Iterator[None]:
    """Have the remote nodes looked after for as long as the context."""
    forwarder, ended = Forwarder(master), threading.Event()

    def go_round() -> None:
        while not ended.wait(master.settings.forward_seconds):
            forwarder.begin_round()

    clock = threading.Thread(target=go_round, name="forwarding", daemon=True)
    clock.start()
    try:
        yield
    finally:
        ended.set()
        clock.join()
        forwarder.end()


class Forwarder:
    """Has every remote node looked after once in a while, each on its own."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._busy: dict[str, threading.Thread] = {}
        self._known: dict[str, dict[str, tuple[Order, Outcome]]] = {}
        self._ending = False

    def begin_round(self) -> None:
        """Begin to look after every remote node that is not being looked after already."""
        with opened(self._master.parts.store.main) as connection:
            nodes = connection.root()["site"].remote_nodes
        self._busy = {node: thread for node, thread in self._busy.items() if thread.is_alive()}
        for node in nodes:
            if node not in self._busy:
                thread = threading.Thread(
                    target=self.look_after, args=(node,), name=f"remote {node}", daemon=True
                )
                self._busy[node] = thread
                thread.start()

    def end(self, patience: float = 1.0) -> None:
        """Report nothing more; wait a moment for those who are just asked."""
        self._ending = True
        for thread in self._busy.values():
            thread.join(patience)

    def look_after(self, node: str) -> None:
        """Carry out the orders of one remote node, as far as the remote lets us."""
        try:
            self._carry_out(node)
        except UNREACHABLE as error:
            log.warning("the remote of %s can't be asked: %s", node, error)
            self._act(blame(node, str(error)))
        except (SlapError, POSError, OSError):
            log.exception("the orders of %s could not be carried out", node)

    def _carry_out(self, node: str) -> None:
        orders, way = cast(
            "tuple[list[Order], Way]",
            self._act(lambda act: read_orders(act, act.site.nodes[node])),
        )
        known = self._known.setdefault(node, {})
        with self._asking(way) as ask:
            for order in orders:
                outcome = ask(order)
                if self._ending:
                    return
                if known.get(order.reference) != (order, outcome):
                    self._report(node, order, outcome)
                    known[order.reference] = (order, outcome)
        self._master.parts.store.pulse.beat(node, self._master.parts.store.moments.settled())
        self._known[node] = {order.reference: known[order.reference] for order in orders}

    def _report(self, node: str, order: Order, outcome: Outcome) -> None:
        def report(act: Act) -> None:
            report_outcome(act, act.site.nodes[node], order, outcome)

        self._act(report)

    @contextmanager
    def _asking(self, way: Way) -> Iterator[AskThere]:
        """Give what asks the remote, whether that is another master or a project of this one."""
        if way.person:
            yield lambda order: cast("Outcome", self._act(lambda act: ask_here(act, way, order)))
            return
        with There(target_of(way)) as there:
            yield lambda order: ask_there(there, way, order)

    def _act(self, operation: Callable[[Act], object]) -> object:
        asked = Asked(name="forward", arguments={}, by="master")
        return act_once(self._master, asked, operation)


def blame(node: str, why: str) -> Callable[[Act], object]:
    """Make what says that the remote of ``node`` is out of reach: nothing more is placed there."""
    return lambda act: report_node(act, act.site.nodes[node], f"#error {why}")


def read_orders(act: Act, node: ComputeNode) -> tuple[list[Order], Way]:
    assert node.remote is not None
    return take_orders(act, node), node.remote.way


def target_of(way: Way) -> Target:
    return Target(
        url=way.url,
        certificate=Path(way.certificate) if way.certificate else None,
        key=Path(way.key) if way.key else None,
        authority=Path(way.authority) if way.authority else None,
        fingerprint=way.fingerprint,
        patience=PATIENCE,
    )


def ask_there(there: There, way: Way, order: Order) -> Outcome:
    """Ask another master by classic SLAP; raises what keeps it from being asked at all."""
    wish = Wish(
        title=order.title,
        release_url=order.release_url,
        software_type=order.software_type,
        state=order.state,
        parameters=dict(order.parameters),
        demands=write_demands(dict(order.demands)),
        project=way.project,
    )
    try:
        view = there.as_person().ask(wish)
    except UNREACHABLE:
        raise
    except SlapError as error:
        return refused(order, error)
    where = f"{view.partition_id} of {view.computer_guid}"
    return outcome_of(order, f"#access at the remote, in {where}", view.connection)


def ask_here(act: Act, way: Way, order: Order) -> Outcome:
    """Ask a project of this master, in the name of the person who stands for us there."""
    wanted = Wanted(
        title=order.title,
        release_url=order.release_url,
        software_type=order.software_type,
        state=order.state,
        parameters=dict(order.parameters),
        demands=dict(order.demands),
    )
    person, project = act.site.persons[way.person], act.site.projects[way.project]
    try:
        instance: Instance = request_service(act, person, project, wanted)
    except NotReady as error:
        return refused(order, error)
    if instance.partition is None:
        return refused(order, NotReady(instance.waiting_for))
    where = f"{instance.partition.name} of {instance.partition.node.reference}"
    return outcome_of(
        order, f"#access at the remote, in {where}", dict(instance.connection.parameters)
    )


def outcome_of(order: Order, text: str, connection: Mapping[str, str]) -> Outcome:
    if order.state is InstanceState.DESTROYED:
        return Outcome(text="#access the remote destroys it", is_gone=True)
    return Outcome(text=text, connection=tuple(sorted(connection.items())))


def refused(order: Order, error: SlapError) -> Outcome:
    """Say that there is no such instance at the remote, or none that works."""
    if isinstance(error, NotReady) and order.state is InstanceState.DESTROYED:
        return Outcome(text="#access the remote has nothing to destroy", is_gone=True)
    return Outcome(text=f"#error at the remote: {error}")
