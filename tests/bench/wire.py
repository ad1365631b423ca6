"""The bytes that the slapos command line sends, and the few things read out of the answers.

Header names, their order and their values are those of slapos.core 1.26: no session, so each
call comes on a connection of its own, and POSTs of a partition carry its claim.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote
from urllib.parse import urlencode

from slapcore.protocol import marshal

#: Eight bytes that the load generator replaces by a number of the same width.
NUMBER = "@@@@@@@@"

AGENT = (
    "User-agent: slapos.core/1.26.1\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"
    "Connection: keep-alive\r\n"
)

FIELD = re.compile(rb"<string>([a-z_]+)</string><(string|unicode|int)>([^<]*)</")


def get(host: str, path: str, **query: str) -> bytes:
    target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{AGENT}\r\n".encode()


def expand(link: str, values: Mapping[str, list[str]]) -> str:
    """Fill a link's template in, as far as RFC 6570 is used here, and take its server away."""

    def fill(found: re.Match[str]) -> str:
        names = [name for name in found[2].split(",") if name.rstrip("*") in values]
        if not found[1]:
            return ",".join(quoted(values[name]) for name in names)
        pairs = [
            f"{name.rstrip('*')}={part}"
            for name in names
            for part in parts_of(values[name.rstrip("*")], explode=name.endswith("*"))
        ]
        return found[1] + "&".join(pairs)

    path = re.sub(r"^[a-z]+://[^/]*", "", link)
    return re.sub(r"\{([?&]?)([^{}]+)\}", fill, path)


def parts_of(values: list[str], *, explode: bool) -> list[str]:
    return [quoted([value]) for value in values] if explode else [quoted(values)]


def quoted(values: list[str]) -> str:
    return ",".join(quote(value, safe="") for value in values)


def post(host: str, path: str, fields: Mapping[str, str], claim: str = "") -> bytes:
    body = urlencode(fields, safe="@")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{AGENT}"
        "Content-type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n{claim}\r\n"
    )
    return (head + body).encode()


def post_as_partition(
    host: str, path: str, node: str, partition: str, **fields: str
) -> bytes:
    """A POST that a partition makes, with the claim that the client adds."""
    claim = (
        f"Authorization: X-SlapPartition computer_id={node}, "
        f"computer_partition_id={partition}\r\n"
    )
    ids = {"computer_id": node, "computer_partition_id": partition}
    return post(host, path, {**ids, **fields}, claim)


def marshalled(value: object) -> str:
    return marshal.encode(value).decode()


def fields_of(document: bytes) -> dict[str, str]:
    """Read the plain attributes of an answered instance; enough to know where it was put."""
    return {key.decode(): value.decode() for key, _, value in FIELD.findall(document)}
