"""The search: rows of what a query finds among what the asker may see, in pages if wanted."""

import re
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import islice
from urllib.parse import parse_qsl
from urllib.parse import urlencode

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import InvalidValue
from slapcore.errors import ProtocolError
from slapmaster.api.address import hateoas_url
from slapmaster.api.hateoas.document import JSON
from slapmaster.api.hateoas.document import answer
from slapmaster.api.hateoas.document import urn
from slapmaster.api.hateoas.instance import SHARED_KIND
from slapmaster.api.hateoas.instance import SOFTWARE_KIND
from slapmaster.api.hateoas.instance import TREE_KIND
from slapmaster.api.hateoas.kind import Kind
from slapmaster.api.hateoas.node import INSTALLATION_KIND
from slapmaster.api.hateoas.node import NODE_KIND
from slapmaster.api.hateoas.query import Condition
from slapmaster.api.hateoas.query import Term
from slapmaster.api.hateoas.query import read_query

KINDS = {
    kind.portal_type: kind
    for kind in (TREE_KIND, SOFTWARE_KIND, SHARED_KIND, NODE_KIND, INSTALLATION_KIND)
}
#: What legacy queries call some of them.
OLD_NAMES = {"Hosting Subscription": "Instance Tree", "Computer": "Compute Node"}

#: What a row can show.
COLUMNS = frozenset(name for kind in KINDS.values() for name in kind.columns)
#: What can be searched by: whatever is text in every row.
KEYS = COLUMNS - {"getConnectionXmlAsDict", "text_content", "root_slave"} - {
    name for name in COLUMNS if name.endswith("NewsDict")
}  # fmt: skip

#: What a row shows when nobody says.
USUAL_COLUMNS = ("title", "reference", "relative_url", "portal_type")

FIELDS = ("query", "select_list", "limit")
MAX_FIELDS = 100
LIMIT = re.compile(r"\[?\s*(?:(\d{1,9})\s*,)?\s*(\d{1,9})\s*\]?")

Row = tuple[Kind, object]


@dataclass(frozen=True)
class Search:
    """A search, freed of the wire; ``count`` rows from ``start`` on, or all of them."""

    query: str
    condition: Condition
    columns: tuple[str, ...]
    start: int = 0
    count: int | None = None


def get_rows(request: Request) -> Response:
    """Answer rows; where a limit is given, with a link to the rows that follow."""
    search = read_search(request.environ.get("QUERY_STRING", ""))
    rows = find_rows(request, search.condition)
    end = None if search.count is None else search.start + search.count
    contents = [write_row(request, row, search.columns) for row in islice(rows, search.start, end)]
    links: JSON = {"self": {"href": url_of(request, search, search.start)}}
    if end is not None and next(rows, None) is not None:
        links["next"] = {"href": url_of(request, search, end)}
    return answer({"_links": links, "_embedded": {"contents": contents, "count": len(contents)}})


def find_rows(request: Request, condition: Condition) -> Iterator[Row]:
    """Walk what ``condition`` is true of, kind after kind."""
    terms = [term for term in condition.terms() if term.key == "portal_type"]
    named = {value for term in terms for value in term.values}
    exact = condition.exact()
    for kind in KINDS.values():
        if kind.portal_type in named:
            for member in kind.walk_visible(request, exact):
                if condition.holds(partial(kind.value_of, request, member)):
                    yield kind, member


def write_row(request: Request, row: Row, columns: Iterable[str]) -> JSON:
    kind, member = row
    shown = {name: kind.value_of(request, member, name) for name in columns}
    path = kind.columns["relative_url"](request, member)
    return {**shown, "_links": {"self": {"href": urn(str(path))}}}


def url_of(request: Request, search: Search, start: int) -> str:
    pairs = [("query", search.query), *(("select_list", name) for name in search.columns)]
    if search.count is not None:
        pairs.append(("limit", f"{start},{search.count}"))
    return f"{hateoas_url(request)}/search?{urlencode(pairs)}"


def read_search(query_string: str) -> Search:
    """Read the query string; raises ``ProtocolError`` or ``InvalidValue``."""
    given = read_repeated(query_string)
    if len(given["query"]) != 1:
        raise ProtocolError("field 'query' is missing" if not given["query"] else
                            "field 'query' is there twice")  # fmt: skip
    query = given["query"][0]
    columns = tuple(given["select_list"]) or USUAL_COLUMNS
    for name in columns:
        check_known(name, COLUMNS, "column")
    start, count = read_limit(given["limit"])
    return Search(query, read_condition(query), columns, start, count)


def read_repeated(query_string: str) -> dict[str, list[str]]:
    """Read fields which may be there more than once."""
    try:
        pairs = parse_qsl(
            query_string, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except UnicodeDecodeError as error:
        raise ProtocolError("a field is not UTF-8") from error
    except ValueError as error:
        raise ProtocolError(f"more than {MAX_FIELDS} fields") from error
    found: dict[str, list[str]] = {name: [] for name in FIELDS}
    for name, value in pairs:
        if name not in found:
            raise ProtocolError(f"nothing is known of the field {name[:80]!r}")
        found[name].append(value)
    return found


def read_condition(query: str) -> Condition:
    """Read the query and refuse keys and types that nothing is known of."""
    condition = read_query(query).changed(read_term)
    if all(term.key != "portal_type" for term in condition.terms()):
        raise InvalidValue("the query names no portal_type")
    return condition


def read_term(term: Term) -> Term:
    """Check a term, and say old names of types as they are called now."""
    check_known(term.key, KEYS, "key")
    if term.key != "portal_type":
        return term
    current = tuple(OLD_NAMES.get(value, value) for value in term.values)
    for value in current:
        check_known(value, KINDS, "portal_type")
    return Term(term.key, current)


def check_known(name: str, known: Iterable[str], what: str) -> None:
    if name in known:
        return
    near = get_close_matches(name[:80], known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InvalidValue(f"nothing is known of the {what} {name[:80]!r}{hint}")


def read_limit(given: list[str]) -> tuple[int, int | None]:
    """Read ``limit=count``, ``limit=start,count`` or the field twice: where to begin, how many."""
    if not given:
        return 0, None
    found = LIMIT.fullmatch(",".join(given))
    if found is None:
        raise InvalidValue(f"the limit {','.join(given)[:80]!r} is neither count nor start,count")
    return int(found[1] or 0), int(found[2])
