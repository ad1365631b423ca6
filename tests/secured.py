"""A master in this process that serves TLS, and whoever speaks to it by a certificate of theirs."""

import http.client
import ssl
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from webob import Response

from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapmaster.auth.issuer import AuthorityIssuer
from tests.driver import ClassicDriver
from tests.driver import Master
from tests.driver import Pair

PATIENCE = 60
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class TLSDriver(ClassicDriver):
    """Somebody at the door, over the network: each call is a connection of its own."""

    url: str = ""
    authority: Path = Path()
    #: of the files with certificate and key, below their ends; nobody has none
    pair: Path | None = None

    @property
    def files(self) -> tuple[str, str]:
        """The files of the certificate and of the key."""
        if self.pair is None:
            return "", ""
        return f"{self.pair}.crt", f"{self.pair}.key"

    def call(
        self,
        method: str,
        path: str,
        fields: dict[str, str] | str | bytes | None = None,
        *,
        status: int | str = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        target = "/" + path.lstrip("/")
        text = fields if isinstance(fields, str | bytes) else urlencode(fields or {})
        body = text.encode() if isinstance(text, str) else text
        if method == "GET" and body:
            target, body = f"{target}?{body.decode()}", b""
        asking = http.client.HTTPSConnection(
            self.url.removeprefix("https://"), timeout=PATIENCE, context=self._make_context()
        )
        try:
            asking.request(method, target, body or None, {"Content-Type": FORM, **(headers or {})})
            told = asking.getresponse()
            answer = Response(
                body=told.read(), status=told.status, headerlist=told.getheaders()
            )
        finally:
            asking.close()
        assert status in ("*", answer.status_int), (answer.status, answer.text)
        return answer

    def _make_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority)
        if self.pair is not None:
            context.load_cert_chain(*self.files)
        return context


class SecuredMaster(Master):
    """The application over a store in memory, behind a listener of ours."""

    def __init__(self, issuer: AuthorityIssuer, folder: Path) -> None:
        super().__init__(None, issuer)
        self.folder = folder
        issued = issuer.authority.issue_server(["127.0.0.1"], days=1, now=datetime.now(UTC))
        self.authority = folder / "authority.crt"
        self.authority.write_bytes(issuer.authority.certificate_pem)
        (folder / "server.crt").write_text(issued.certificate)
        (folder / "server.key").write_text(issued.key)
        listener = Listener.tls(
            "127.0.0.1", 0, certificate=folder / "server.crt", key=folder / "server.key"
        )
        self.server = Server(self.wsgi, listeners=[listener], threads=2)
        self.server.start()
        self.url = f"https://{self.server.addresses[0]}"

    def close(self) -> list[str]:
        self.server.stop()
        return super().close()

    def nobody(self) -> TLSDriver:
        return TLSDriver(self.app, url=self.url, authority=self.authority)

    def _stand_at_door(self, reference: str, pair: Pair) -> TLSDriver:
        path = self.folder / reference
        certificate, key = pair
        Path(f"{path}.crt").write_text(certificate)
        Path(f"{path}.key").write_text(key)
        return TLSDriver(
            self.app, reference, url=self.url, authority=self.authority, pair=path
        )
