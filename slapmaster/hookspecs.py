"""The master's hooks, and both markers.

Plugins are found by the entry point group ``slapmaster``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from slapmaster.domain.policy import Candidate
    from slapmaster.domain.policy import Wish

hookspec = pluggy.HookspecMarker("slapmaster")
hookimpl = pluggy.HookimplMarker("slapmaster")


@hookspec
def slapmaster_choose_place(
    wish: "Wish", candidates: "Sequence[Candidate]"
) -> "Candidate | None":
    """Choose the place that ``wish`` shall have.

    Only the plugin is called whose name the request or the project names as its policy: the name
    of its entry point.  It is called inside the transaction of the request, in a thread of its
    own, and again when the transaction is; it has half a second.  ``candidates`` are places that
    meet all demands, one per node and at least one in all.  Return one of them, or ``None`` to
    take the first.  What raises, or takes too long, fails the request.
    """
