"""Categories: what a node may be said to be, and what may be demanded of it.

A value is a path: a node in ``europe/france`` is in ``europe`` as well.  Most keys have values
that everybody knows; regions, groups and processors are whatever nodes are said to be, and each
project may declare more of any key.
"""

import re
from collections.abc import Iterator

from slapcore.errors import InvalidValue

MAX_VALUE = 200

#: Two words or more, and what they are part of.
PATH = re.compile(r"[^/\s]+(?:/[^/\s]+)*")

#: Values that are known of each key; what is above one in its path is known as well.
VALUES: dict[str, tuple[str, ...]] = {
    "group": (),
    "region": ("africa", "america", "antarctica", "asia", "europe", "oceania"),
    "cpu_core": ("1", "4", "8", "16", "24", "40", "64"),
    "cpu_frequency": tuple(str(megahertz) for megahertz in range(600, 3_500, 100)),
    "cpu_type": ("x86/x86_32", "x86/x86_64", "arm"),
    "local_area_network_type": (
        "ethernet/10m", "ethernet/100m", "ethernet/1g", "ethernet/10g", "ethernet/40g",
        "ethernet/100g", "infiniband", "wifi/b", "wifi/g", "wifi/n",
    ),
    "memory_size": (
        "1", "2", "4", "8", "12", "16", "24", "32", "48", "64", "96", "128", "196", "256",
    ),
    "memory_type": ("ddr2", "ddr3"),
    "storage_capacity": ("infinite", "finite"),
    "storage_interface": ("nas", "san", "sas", "sata", "usb/usb2", "usb/usb3"),
    "storage_redundancy": ("dht", "raid"),
}  # fmt: skip

#: What else is known, by its form.
FORMS: dict[str, re.Pattern[str]] = {
    "memory_type": re.compile(r"ddr[23]/\d{1,6}"),
    "storage_capacity": re.compile(r"finite/\d{1,9}"),
    "storage_redundancy": re.compile(r"raid/(?:level\d|nested\d\d)"),
}

#: Keys whose values are made by saying them of a node.
OPEN = ("group", "region", "cpu_type")


def branches(value: str) -> Iterator[str]:
    """Walk ``value`` and all that it is part of, the whole first."""
    while value:
        yield value
        value = value.rpartition("/")[0]


def is_known(key: str, value: str) -> bool:
    """Tell whether everybody knows this value of a category."""
    if key in FORMS and FORMS[key].fullmatch(value):
        return True
    return any(value in branches(known) for known in VALUES[key])


def check_form(key: str, value: str) -> str:
    """Refuse what is no path, or too long for one."""
    if len(value) > MAX_VALUE or not PATH.fullmatch(value):
        raise InvalidValue(f"{value[:80]!r} can't be a {key}: it is a path like europe/france")
    return value
