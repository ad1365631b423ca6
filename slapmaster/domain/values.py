"""Which values may be stored: titles, addresses of releases, types, parameters, demands.

Whatever does not pass raises ``InvalidValue`` with a sentence that names it.
"""

import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches

from slapcore.errors import InvalidValue

MAX_TITLE = 200
MAX_URL = 2_048
#: Of all keys and values of one set of parameters together, in characters.
MAX_PARAMETERS = 1_048_576
MAX_PARAMETER_COUNT = 10_000

#: Demands that a node's own attributes answer.
PLACE_DEMANDS = ("node", "instance", "project", "network", "capability")
#: Demands answered by a node's categories.
CATEGORY_DEMANDS = (
    "group", "cpu_core", "cpu_frequency", "cpu_type", "local_area_network_type", "region",
    "memory_size", "memory_type", "storage_capacity", "storage_interface", "storage_redundancy",
)  # fmt: skip
#: Said to the node that runs the instance; they don't choose a place.
NODE_DEMANDS = (
    "retention_delay", "fw_restricted_access", "fw_rejected_sources", "fw_authorized_sources",
)  # fmt: skip
DEMANDS = (*PLACE_DEMANDS, *CATEGORY_DEMANDS, *NODE_DEMANDS)

Parameters = tuple[tuple[str, str], ...]


def check_title(title: str, what: str = "title") -> str:
    if not title.strip():
        raise InvalidValue(f"the {what} is empty")
    if len(title) > MAX_TITLE:
        raise InvalidValue(f"the {what} has {len(title)} characters; {MAX_TITLE} are allowed")
    _refuse_control(title, what)
    return title


def check_url(url: str) -> str:
    if not url:
        raise InvalidValue("the release's URL is empty")
    if len(url) > MAX_URL:
        raise InvalidValue(f"the release's URL has {len(url)} characters; {MAX_URL} are allowed")
    _refuse_control(url, "release's URL")
    return url


def check_type(software_type: str) -> str:
    return check_title(software_type, "software type")


def check_parameters(parameters: Mapping[str, str], what: str) -> None:
    if len(parameters) > MAX_PARAMETER_COUNT:
        raise InvalidValue(f"{len(parameters)} {what}; {MAX_PARAMETER_COUNT} are allowed")
    size = sum(len(key) + len(value) for key, value in parameters.items())
    if size > MAX_PARAMETERS:
        raise InvalidValue(f"{what} of {size} characters; {MAX_PARAMETERS} are allowed")


def freeze(parameters: Mapping[str, str], what: str) -> Parameters:
    """Turn a mapping of text to text into what is stored: sorted pairs."""
    check_parameters(parameters, what)
    return tuple(sorted(parameters.items()))


def check_demands(demands: Mapping[str, str]) -> None:
    """Refuse a demand nobody could answer, and name the nearest known one."""
    for key in demands:
        if key not in DEMANDS:
            near = get_close_matches(key, DEMANDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidValue(f"nothing is known of the demand {key!r}{hint}")


def _refuse_control(text: str, what: str) -> None:
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise InvalidValue(f"the {what} has the control character U+{ord(character):04X}")
