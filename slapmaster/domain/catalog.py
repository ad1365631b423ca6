"""Software products and their releases."""

from collections.abc import Iterator

from BTrees.OOBTree import OOBTree
from persistent import Persistent

from slapcore.errors import Conflict
from slapmaster.domain.container import Container


class SoftwareRelease(Persistent):
    """One version of a product: what its ``url`` builds.  ``effective`` is in microseconds."""

    def __init__(self, url: str, title: str, effective: int) -> None:
        self.url = url
        self.title = title
        self.effective = effective


class SoftwareProduct(Persistent):
    """A piece of software as customers know it, in one project."""

    def __init__(self, reference: str, title: str, project: str) -> None:
        self.reference = reference
        self.title = title
        self.project = project
        self.releases = OOBTree()

    def add_release(self, release: SoftwareRelease) -> None:
        if release.url in self.releases:
            raise Conflict(f"{release.url} is a release of {self.title} already")
        self.releases[release.url] = release

    def newest_first(self, now: int) -> Iterator[SoftwareRelease]:
        """Walk the releases whose time has come, newest first."""
        current = (release for release in self.releases.values() if release.effective <= now)
        return iter(sorted(current, key=lambda release: release.effective, reverse=True))


class Catalog(Container[SoftwareProduct]):
    """All software products; a title is used once per project."""

    kind = "software product"
    unique = {"title": lambda product: (product.project, product.title)}
