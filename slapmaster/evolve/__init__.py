"""Numbered steps that bring stored objects up to this version of the program."""

from slapcore.errors import ConfigurationError
from slapmaster.domain.site import Site

#: the modules of the steps, in order; the number of the last is the version of a new site
STEPS: tuple[str, ...] = ()


def latest_version() -> int:
    return len(STEPS)


def refuse_newer(site: Site) -> None:
    """Raise ``ConfigurationError`` when a newer program has written the site."""
    if site.version > latest_version():
        raise ConfigurationError(
            f"the database is of version {site.version}; this program knows {latest_version()}"
        )
