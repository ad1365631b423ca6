"""What was last heard of a node, an instance or a release, as it is shown to programs."""

from pyramid.request import Request

from slapcore.protocol import status as wire_status
from slapmaster.domain.status import AccessStatus


def status_of(
    request: Request, reference: str, access: AccessStatus, kind: str, state: str = ""
) -> dict[str, object]:
    """Give the status document of ``reference``; ``kind`` is its portal type."""
    heard = request.registry.store.pulse.last(reference)
    return wire_status.status_document(
        user=access.by,
        created_at=max(heard or 0, access.reported),
        text=access.text,
        since=access.since,
        state=state,
        reference=reference,
        portal_type=kind,
        now=request.act.now,
    )
