"""Promise type: a URL is answered as it should be."""

import ssl
from urllib.error import HTTPError
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPBasicAuthHandler
from urllib.request import HTTPPasswordMgrWithPriorAuth
from urllib.request import HTTPRedirectHandler
from urllib.request import HTTPSHandler
from urllib.request import OpenerDirector
from urllib.request import ProxyHandler
from urllib.request import build_opener

from slapcore.errors import InvalidValue
from slapcore.promise.typed import TypedPromise

#: Bytes of an answer in which a text is looked for.
MAX_READ = 2**20


class _Stay(HTTPRedirectHandler):
    """Takes a redirection as the answer."""

    def redirect_request(self, *given: object) -> None:
        return None


class URLPromise(TypedPromise):
    """A URL is answered as it should be."""

    needs = {"url": "what to ask for, http or https"}
    takes = {
        "status": "the status of the answer (200)",
        "text": "a text that the answer must contain",
        "timeout": "seconds to wait (5)",
        "follow": "whether redirections are followed (true)",
        "verify": "whether the server's certificate is verified (true)",
        "ca-file": "whose certificates are trusted, instead of the system's",
        "cert-file": "a client certificate",
        "key-file": "its key",
        "username": "for basic authentication",
        "password": "for basic authentication",
    }

    def sense(self) -> None:
        url = self.option("url")
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidValue(f"{url} is neither http nor https")
        wanted = int(self.number("status", 200))
        try:
            with self._make_opener(url).open(url, timeout=self.number("timeout", 5)) as answer:
                status, content = answer.status, answer.read(MAX_READ)
        except HTTPError as error:
            with error:
                status, content = error.code, error.read(MAX_READ)
        except (URLError, OSError, ValueError) as error:
            self.log.error("%s is not answered: %s", url, getattr(error, "reason", error))
            return
        text = self.option("text", "")
        if status != wanted:
            self.log.error("%s is answered with %s, not %s", url, status, wanted)
        elif text.encode() not in content:
            self.log.error("%s is answered without the text %r", url, text)
        else:
            self.log.info("%s is answered with %s", url, status)

    def _make_opener(self, url: str) -> OpenerDirector:
        openers = [ProxyHandler({}), HTTPSHandler(context=self._make_context())]
        if self.option("username", ""):
            known = HTTPPasswordMgrWithPriorAuth()
            user, password = self.option("username"), self.option("password", "")
            known.add_password(None, url, user, password, is_authenticated=True)
            openers.append(HTTPBasicAuthHandler(known))
        if not self.answer("follow", True):
            openers.append(_Stay())
        return build_opener(*openers)

    def _make_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.option("ca-file", "") or None)
        if not self.answer("verify", True):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.option("cert-file", ""):
            context.load_cert_chain(self.option("cert-file"), self.option("key-file", "") or None)
        return context
