"""The network cache: releases that others have built, verified; and ours, offered."""

from slapcore.node.host import Host
from slapcore.node.host import ReleasePlace


class NetworkCache:
    """The cache as the configuration names it."""

    def __init__(self, host: Host) -> None:
        self._config = host.config.cache

    def is_forced(self, url: str) -> bool:
        """Tell whether a release may only come from here."""
        return url.startswith(self._config.only_downloaded)

    def fetch(self, place: ReleasePlace) -> bool:
        """Put a built release into its directory; tell whether there was one."""
        return False

    def offer(self, place: ReleasePlace) -> None:
        """Put what was built into the cache."""
