"""Which values may be stored: titles, addresses of releases, types, parameters, demands.

Whatever does not pass raises ``InvalidValue`` with a sentence that names it.
"""

import unicodedata
from collections.abc import Collection
from collections.abc import Mapping
from difflib import get_close_matches

from slapcore.errors import InvalidValue
from slapmaster.domain.category import VALUES

MAX_TITLE = 200
MAX_URL = 2_048
#: Of all keys and values of one set of parameters together, in characters.
MAX_PARAMETERS = 1_048_576
MAX_PARAMETER_COUNT = 10_000
#: With how many known words a wrong one is compared at most.
MOST_COMPARED = 1_000

#: Demands that a node's own attributes answer.
PLACE_DEMANDS = ("node", "instance", "project", "network", "capability")
#: Demands answered by a node's categories.
CATEGORY_DEMANDS = tuple(VALUES)
#: Said to the node that runs the instance; they don't choose a place.
NODE_DEMANDS = (
    "retention_delay", "fw_restricted_access", "fw_rejected_sources", "fw_authorized_sources",
)  # fmt: skip
#: Answered by where the other instances of the tree live.
TREE_DEMANDS = ("mode", "affinity", "anti_affinity")
#: Says who is to choose among the places that answer all others.
POLICY = "policy"
DEMANDS = (*PLACE_DEMANDS, *TREE_DEMANDS, *CATEGORY_DEMANDS, POLICY, *NODE_DEMANDS)

#: What the titles of services begin with that another project or master has ordered here.
FORWARDED = "_remote_"

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
            raise InvalidValue(
                f"nothing is known of the demand {key!r}{nearest(key, DEMANDS)}"
            )


def nearest(wrong: str, known: Collection[str]) -> str:
    """Say which of ``known`` was perhaps meant."""
    if len(wrong) > MAX_TITLE or len(known) > MOST_COMPARED:
        return ""
    near = get_close_matches(wrong, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def is_relative(demands: Parameters) -> bool:
    """Tell whether a place that meets ``demands`` depends on where others of the tree live."""
    return any(key in TREE_DEMANDS for key, _ in demands)


def _refuse_control(text: str, what: str) -> None:
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise InvalidValue(f"the {what} has the control character U+{ord(character):04X}")
