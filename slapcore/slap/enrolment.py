"""How certificates are come by: a one-time token is exchanged for one, and never sent twice."""

from dataclasses import dataclass

from slapcore.errors import ProtocolError
from slapcore.protocol.jsonrpc import JSON
from slapcore.protocol.jsonrpc import read_body
from slapcore.slap.as_node import Credentials
from slapcore.slap.connection import Connection


@dataclass(frozen=True)
class NewNode:
    """A node that has just been registered, and what proves that it is this one."""

    reference: str
    credentials: Credentials


def fetch_person_credentials(connection: Connection, token: str) -> Credentials:
    """Exchange a person's token for a certificate; raises ``Forbidden`` for a bad token."""
    return read_credentials(redeem(connection, "Person_getCertificate", token, {}))


def register_node(connection: Connection, token: str, title: str) -> NewNode:
    """Register a node by a token."""
    told = redeem(connection, "Person_requestComputer", token, {"title": title})
    return NewNode(str(told.get("reference", "")), read_credentials(told))


def redeem(connection: Connection, name: str, token: str, form: dict[str, str]) -> JSON:
    answer = connection.post(name, form, headers={"X-Access-Token": token})
    return read_body(answer.body)


def read_credentials(told: JSON) -> Credentials:
    certificate, key = told.get("certificate"), told.get("key")
    if not isinstance(certificate, str) or not isinstance(key, str):
        raise ProtocolError("the master's answer holds no certificate and key")
    return Credentials(certificate, key)
