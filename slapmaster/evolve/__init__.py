"""Numbered steps that bring stored objects up to this version of the program.

A step is a module ``step_NNNN_what`` with a function ``evolve(site)``, harmless on a site that
is right already.  It runs in a transaction of its own, together with the site's new version.
"""

from importlib import import_module

from slapcore.errors import ConfigurationError
from slapmaster.domain.site import Site

#: the modules of the steps, in order; the number of the last is the version of a new site
STEPS: tuple[str, ...] = ("step_0001_placing",)


def latest_version() -> int:
    return len(STEPS)


def refuse_newer(site: Site) -> None:
    """Raise ``ConfigurationError`` when a newer program has written the site."""
    if site.version > latest_version():
        raise ConfigurationError(
            f"the database is of version {site.version}; this program knows {latest_version()}"
        )


def refuse_older(site: Site) -> None:
    """Raise ``ConfigurationError`` when there are steps that have not run on the site."""
    if pending_steps(site):
        raise ConfigurationError(
            f"the database is of version {site.version}, this program of {latest_version()}: "
            "back it up and run 'slapmaster evolve'"
        )


def pending_steps(site: Site) -> tuple[str, ...]:
    """Give the steps that have not run on the site, in order."""
    return STEPS[site.version :]


def run_next_step(site: Site) -> int:
    """Run the next step, if there is one; give the version that the site has then."""
    for step in pending_steps(site)[:1]:
        import_module(f"{__name__}.{step}").evolve(site)
        site.version += 1
    return site.version
