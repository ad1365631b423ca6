"""Versions that nobody has chosen: what a build picked by itself, so another may differ."""

import re
from collections.abc import Sequence

PICKED = re.compile(r"Picked: ([A-Za-z0-9_.+-]+) = (\S+)|([A-Za-z0-9_.+-]+) = (\S+)")
BEGINS = "Versions had to be automatically picked."


def find_unpinned(lines: Sequence[str]) -> dict[str, str]:
    """Find what buildout lists at its end when ``show-picked-versions`` is on: name -> version."""
    found: dict[str, str] = {}
    listing = False
    for line in lines:
        listing = listing or line.startswith(BEGINS)
        match = PICKED.fullmatch(line.strip()) if listing else None
        if match:
            found[match[1] or match[3]] = match[2] or match[4]
    return found
