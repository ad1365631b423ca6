"""A person at the command line: the real ``slapos`` with one configuration file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slapmaster.demo.account import Account
from slapmaster.demo.environment import Environment
from slapmaster.demo.process import PATIENCE
from slapmaster.demo.process import Outcome
from slapmaster.demo.process import Word
from slapmaster.demo.process import make_environment
from slapmaster.demo.process import run

#: the request was taken, and there is no answer to show yet
NOT_READY = 2


@dataclass(frozen=True)
class Client:
    """One customer: an installed client, a home, and the account it runs as."""

    environment: Environment
    home: Path
    account: Account

    @property
    def configuration(self) -> Path:
        return self.home / ".slapos" / "slapos-client.cfg"

    def slapos(self, *words: str | Path, patience: float = PATIENCE) -> Outcome:
        """Run one ``slapos`` command as it would be typed."""
        command = (self.environment.slapos, *words)
        return run(command, self.account, make_environment(self.home), patience)

    def ask(self, program: str, *words: str) -> Outcome:
        """Run a Python program against the client's library, in its own environment."""
        command: tuple[Word, ...] = (self.environment.python, "-c", program, *words)
        return run(command, self.account, make_environment(self.home))

    def configure(self, api_url: str, web_url: str, token: str) -> Outcome:
        """Have the client fetch its certificate with a one-time token."""
        where = ("--cfg", self.configuration, "--master-url", api_url, "--master-url-web", web_url)
        return self.slapos("configure", "client", *where, "--token", token)

    def point_at(self, api_url: str) -> None:
        """Write the configuration of a client that needs no certificate."""
        self.configuration.parent.mkdir(mode=0o700, exist_ok=True)
        rest_url = api_url.rstrip("/") + "/hateoas"
        self.configuration.write_text(
            f"[slapos]\nmaster_url = {api_url}\nmaster_rest_url = {rest_url}\n[slapconsole]\n"
        )
        self.account.take_tree(self.configuration.parent)

    def command(self, words: Sequence[str], *arguments: str | Path) -> Outcome:
        return self.slapos(*words, "--cfg", self.configuration, *arguments)

    def supply(self, url: str, node: str) -> Outcome:
        return self.command(("supply",), url, node)

    def remove(self, url: str, node: str) -> Outcome:
        return self.command(("remove",), url, node)

    def request(self, title: str, url: str, *options: str | Path) -> Outcome:
        return self.command(("request",), title, url, *options)

    def service_list(self) -> Outcome:
        return self.command(("service", "list"))

    def service_info(self, title: str) -> Outcome:
        return self.command(("service", "info"), title)

    def computer_list(self) -> Outcome:
        return self.command(("computer", "list"))

    def computer_info(self, reference: str) -> Outcome:
        return self.command(("computer", "info"), reference)

    def computer_token(self) -> Outcome:
        return self.command(("computer", "token"))
