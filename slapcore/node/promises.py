"""The promises of partitions, as a run asks for them: what fails, and what is banged for it.

- After a deployment all are looked at, and judged by whether they are kept.
- Else those that are due are looked at, and judged by whether something has to be done: that is a
  bang, if the quota has one left.
"""

import logging

from slapcore.errors import SlapError
from slapcore.node.host import Host
from slapcore.node.instance import Work
from slapcore.promise.interpreter import find_release_python
from slapcore.promise.launcher import Launcher
from slapcore.promise.launcher import Outcome
from slapcore.promise.launcher import Promising
from slapcore.promise.quota import Quota

log = logging.getLogger(__name__)


class Promises:
    """The promises of one node; one launcher looks at all of them."""

    def __init__(self, host: Host) -> None:
        self._launcher = Launcher(timeout=host.config.promise_timeout)
        self._quota = Quota(host.state / "quota")

    def close(self) -> None:
        self._launcher.close()

    def check(self, work: Work, due_only: bool) -> str:
        """Look, and bang if need be; give what fails, an empty text when nothing does."""
        outcome = self._launcher.check(promising(work), anomaly=due_only, force=not due_only)
        for text in outcome.odd:
            log.warning("partition %s: %s", work.name, text)
        if not outcome.promised:
            log.warning("partition %s promises nothing", work.name)
        refused = self._bang(work, outcome) if outcome.bangs else ""
        return f"{refused}; {outcome.problem}" if refused else outcome.problem

    def _bang(self, work: Work, outcome: Outcome) -> str:
        """Have the tree processed again, within the quota; give why not, when it is spent."""
        grant = self._quota.take(work.name, work.wanted.root_title)
        if not grant.granted:
            log.warning("partition %s: no bang: %s", work.name, grant.reason)
            return grant.reason
        try:
            work.node.bang(work.name, outcome.bang_message)
        except SlapError as error:
            log.warning("partition %s: the bang was not heard: %s", work.name, error)
        return ""


def promising(work: Work) -> Promising:
    return Promising(
        name=work.name,
        directory=work.place.directory,
        python=find_release_python(work.release.directory),
        computer=work.host.config.reference,
        master_url=work.host.config.master_url,
        certificate=str(work.place.certificate or ""),
        key=str(work.place.key or ""),
        instance=work.wanted.instance_guid,
        tree=work.wanted.root_title,
    )
