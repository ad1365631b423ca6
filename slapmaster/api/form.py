"""Read the fields of a request, strictly: what is missing, surplus or said twice is an error."""

from collections.abc import Collection
from urllib.parse import parse_qsl

from pyramid.request import Request

from slapcore.errors import ProtocolError

MAX_FIELDS = 50
FORM = "application/x-www-form-urlencoded"

#: What marshalled values are full of: undone in the whole form at once, which is fast.  None of
#: these characters has a meaning in a form, and none can make a new escape with its neighbours.
FREQUENT = (("%3C", "<"), ("%3E", ">"), ("%2F", "/"), ("%22", '"'), ("%3A", ":"))


def read_fields(request: Request) -> dict[str, str]:
    """Give the query of a GET, or the form of a POST; raises ``ProtocolError``."""
    if request.method == "POST":
        if request.content_type not in (FORM, ""):
            raise ProtocolError(f"the body is {request.content_type[:80]!r}; {FORM} is expected")
        return parse_fields(request.body.decode("latin-1"))
    return parse_fields(request.environ.get("QUERY_STRING", ""))


def parse_fields(text: str) -> dict[str, str]:
    for escape, character in FREQUENT:
        text = text.replace(escape, character)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError as error:
        raise ProtocolError("a field is not UTF-8") from error
    except ValueError as error:
        raise ProtocolError(f"more than {MAX_FIELDS} fields") from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise ProtocolError(f"field {name[:80]!r} is there twice")
        fields[name] = value
    return fields


def check_fields(
    fields: dict[str, str], required: Collection[str], optional: Collection[str] = ()
) -> None:
    """Refuse ``fields`` unless they are the required ones and perhaps some optional ones."""
    for name in required:
        if name not in fields:
            raise ProtocolError(f"field {name!r} is missing")
    for name in fields:
        if name not in required and name not in optional:
            raise ProtocolError(f"nothing is known of the field {name[:80]!r}")
