"""The master's web application: what is switched on, and in which order.  Open this first."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from ipaddress import IPv4Network
from ipaddress import IPv6Network
from typing import Any

import pluggy
from pyramid.config import Configurator

from shacache.app import Receiving
from shacache.cache import Cache
from slapcore.errors import ConfigurationError
from slapmaster.api.kept import Answers
from slapmaster.api.nodeview import KEPT_BYTES
from slapmaster.api.nodeview import NodeDocuments
from slapmaster.api.pace import Pace
from slapmaster.api.watch import Watch
from slapmaster.auth.issuer import AuthorityIssuer
from slapmaster.plugin import find_plugins
from slapmaster.request import MasterRequest
from slapmaster.storage import Store

INCLUDED = (
    "slapmaster.storage",
    "slapmaster.auth.policy",
    "slapmaster.api.errors",
    "slapmaster.api.classic",
    "slapmaster.api.enrolment",
    "slapmaster.api.events",
    "slapmaster.api.hateoas",
    "slapmaster.api.jsonrpc",
    "slapmaster.api.xmlrpc",
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What an application is made of.

    ``public_url`` is how the master is reached from outside, when requests don't show that.
    With ``alone`` there are no certificates and no ``issuer``: whoever reaches the master is
    its only user.  ``document_cache`` is how many bytes of ready documents are kept.  A ``cache``
    is at ``/shacache`` and ``/shadir``.
    """

    store: Store
    issuer: AuthorityIssuer | None = None
    alone: bool = False
    public_url: str = ""
    document_cache: int = KEPT_BYTES
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    plugins: pluggy.PluginManager = field(default_factory=find_plugins)
    cache: Cache | None = None


def make_app(parts: Parts) -> Callable[..., Any]:
    """Put the WSGI application together.

    Raises ``ConfigurationError`` without an issuer, unless whoever asks is the only user: a
    master that has lost its keys must not take everybody for that.
    """
    if parts.issuer is None and not parts.alone:
        raise ConfigurationError("a master for several people needs its certificate authority")
    config = Configurator(request_factory=MasterRequest)
    registry = config.registry
    registry.store = parts.store
    registry.issuer = None if parts.alone else parts.issuer
    registry.alone = parts.alone
    registry.hook = parts.plugins.hook
    registry.public_url = parts.public_url.rstrip("/")
    registry.trusted_proxies = parts.trusted_proxies
    registry.node_documents = NodeDocuments(parts.document_cache)
    registry.answers = Answers(parts.document_cache // 8)
    registry.pace = Pace()
    registry.watch = Watch(parts.store)
    for module in INCLUDED:
        config.include(module)
    if parts.cache is not None:
        registry["shacache"] = parts.cache
        config.include("shacache.routes")
    application: Callable[..., Any] = config.make_wsgi_app()
    return application if parts.cache is None else Receiving(parts.cache, application)
