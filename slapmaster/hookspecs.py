"""The master's hooks, and both markers.

Plugins are found by the entry point group ``slapmaster``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from slapmaster.domain.instance import SoftwareInstance
    from slapmaster.domain.node import ComputePartition

hookspec = pluggy.HookspecMarker("slapmaster")
hookimpl = pluggy.HookimplMarker("slapmaster")


@hookspec(firstresult=True)
def slapmaster_choose_partition(
    instance: "SoftwareInstance", candidates: "Sequence[ComputePartition]"
) -> "ComputePartition | None":
    """Pick the partition that ``instance`` shall live in.

    Called inside the transaction of the request.  ``candidates`` are free, on open nodes of
    the instance's project that have the wanted release and meet its demands; there is one per
    node and at least one in all, and it must not be changed.  Return one of them, or ``None``
    to leave the choice to the next plugin.
    """
