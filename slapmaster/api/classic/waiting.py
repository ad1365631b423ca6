"""A node that waits for orders, instead of asking every so often whether there are any."""

import math

from pyramid.request import Request
from pyramid.response import Response

from slapcore.errors import InvalidValue
from slapcore.protocol import marshal
from slapmaster.api.classic.endpoint import Endpoint
from slapmaster.api.classic.subject import the_node
from slapmaster.api.heard import heard_of_node
from slapmaster.api.nodeview import NodeDocuments
from slapmaster.api.watch import AwaitedNews
from slapmaster.domain.site import Site

#: How long it is waited, in seconds: when nothing is said, and at most.
PATIENCE = 50.0
LONGEST = 300.0


class Orders:
    """Waits until a node has other orders than those it knows."""

    beat = b""
    silence = math.inf

    def __init__(self, documents: NodeDocuments, node: str, known: str) -> None:
        self._documents = documents
        self._node = node
        self._known = known
        self._revision = -1
        self._over = False

    def has_news(self, site: Site) -> bool:
        node = site.nodes.find(self._node)
        return node is None or node.revision() != self._revision

    def tell(self, site: Site, settled: int) -> bytes:
        node = site.nodes[self._node]
        self._revision = node.revision()
        orders = self._documents.document_of(node).orders
        if orders == self._known:
            return b""
        self._over = True
        return write_orders(orders, changed=True)

    def is_over(self) -> bool:
        return self._over

    def last_words(self) -> bytes:
        return write_orders(self._known, changed=False)


def write_orders(orders: str, *, changed: bool) -> bytes:
    return marshal.encode({"orders": orders, "changed": changed})


@Endpoint(
    name="waitForComputerInformation", method="GET", about=the_node,
    permission="node.read", required=("computer_id",), optional=("since", "timeout"),
    waits=True,
)  # fmt: skip
def wait_for_orders(request: Request) -> Response:
    """Answer as soon as the orders of the node are not ``since``, or the time is over."""
    seconds = read_timeout(request.fields.get("timeout", str(PATIENCE)))
    node = request.context.node
    if request.asker.node is node or request.asker.alone:
        heard_of_node(request, node)
    tale = Orders(
        request.registry.node_documents, node.reference, request.fields.get("since", "")
    )
    news = AwaitedNews(request.registry.watch, request.asker.reference, tale, seconds)
    response = Response(app_iter=news, content_type="text/xml", charset="utf-8")
    response.headers["Cache-Control"] = "private, no-store"
    return response


def read_timeout(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST:
        raise InvalidValue(f"the timeout {text[:80]!r} is no number of seconds up to {LONGEST:g}")
    return seconds
