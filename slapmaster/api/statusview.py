"""What was last heard of a node, an instance or a release, as it is shown to programs."""

from datetime import UTC
from datetime import datetime

from pyramid.request import Request

from slapcore.protocol.status import Status
from slapcore.protocol.status import no_data_document
from slapcore.protocol.status import status_document
from slapmaster.domain.status import AccessStatus


def status_of(
    request: Request, reference: str, access: AccessStatus, kind: str, state: str = ""
) -> dict[str, str | int]:
    """Give the status document of ``reference``; ``kind`` is its portal type."""
    now = moment(request.act.now)
    if not access.text:
        return no_data_document(reference, kind, now)
    heard = request.registry.store.pulse.last(reference) or 0
    status = Status(
        user=access.by,
        created_at=moment(max(heard, access.reported)),
        text=access.text,
        since=moment(access.since),
        state=state,
        reference=reference,
        portal_type=kind,
    )
    return status_document(status, now)


def moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
