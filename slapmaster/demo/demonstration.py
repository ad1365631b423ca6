"""The demonstration itself: what is done, in order, from an empty directory to a page served."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.request import ProxyHandler
from urllib.request import build_opener

from slapcore.errors import ConfigurationError
from slapmaster.demo.account import Account
from slapmaster.demo.account import find_ourselves
from slapmaster.demo.agent import AgentNode
from slapmaster.demo.client import Client
from slapmaster.demo.environment import Environment
from slapmaster.demo.environment import is_open_to_all
from slapmaster.demo.master import Master
from slapmaster.demo.master import find_port
from slapmaster.demo.node import DONE
from slapmaster.demo.node import PROMISE_FAILED
from slapmaster.demo.node import Node
from slapmaster.demo.node import draw_network
from slapmaster.demo.process import CommandFailed
from slapmaster.demo.release import copy_release
from slapmaster.demo.steps import Steps

TITLE = "welcome"
WISHES = ("--parameters", "greeting=Welcome to your own cloud")

#: supervisord's socket lies below the directory, and the kernel's room for its path is small
LONGEST_DIRECTORY = 70


@dataclass(frozen=True)
class Place:
    """What must stay the same when a demonstration begins again in its directory."""

    port: int
    network: str

    @classmethod
    def at(cls, directory: Path) -> "Place":
        """Read what is kept in ``directory``, or draw it and keep it there."""
        path = directory / "place.json"
        if path.exists():
            return cls(**json.loads(path.read_text()))
        place = cls(find_port(), draw_network())
        path.write_text(json.dumps({"port": place.port, "network": place.network}))
        return place


def check_directory(directory: Path, account: Account) -> None:
    """Refuse a directory where the node could not work."""
    if len(str(directory)) > LONGEST_DIRECTORY:
        raise ConfigurationError(
            f"{directory} is too long a name for sockets below it: {LONGEST_DIRECTORY} at most"
        )
    if not account.is_ours and not is_open_to_all(directory.parent):
        raise ConfigurationError(
            f"{account.name}, who runs the node, can't reach {directory}: choose another directory"
        )


class Demonstration:
    """A master, a node, a customer and the example they bring to life."""

    def __init__(
        self,
        directory: Path,
        account: Account,
        environment: Environment,
        kind: type[Node] = AgentNode,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        place = Place.at(directory)
        self.directory = directory
        self.account = account
        self.master = Master(directory / "master", find_ourselves(), place.port)
        self.node = kind(environment, directory / "node", account, network=place.network)
        self.client = Client(environment, directory / "customer", account)
        self.release = str(directory / "release" / "hello" / "software.cfg")
        self.url = ""

    def bring_up(self, steps: Steps) -> None:
        """Take every step; harmless where it was taken before."""
        with steps.step("Start a master, with an authority of its own"):
            self.start_master()
        with steps.step("Make the customer known, by a token"):
            self.introduce_customer()
        with steps.step("Register a node, by a token"):
            self.register_node()
        with steps.step(f"Format its {self.node.partitions} partitions"):
            self.node.format().require()
        with steps.step("Supply the example release and build it with buildout"):
            self.build()
        with steps.step("Request an instance and run the node until it is started"):
            self.request()
        with steps.step("Fetch its page"):
            self.check_page()

    def start_master(self) -> None:
        self.master.initialise()
        self.master.serve()

    def introduce_customer(self) -> None:
        self.client.home.mkdir(exist_ok=True)
        self.account.take(self.client.home)
        if not self.client.configuration.exists():
            token = self.master.create_token("client")
            self.client.configure(self.master.api_url, self.master.web_url, token).require()

    def register_node(self) -> None:
        self.node.prepare()
        if not self.node.configuration.exists():
            token = self.master.create_token("node")
            urls = (self.master.api_url, self.master.web_url)
            self.node.register("demonstration", *urls, token).require()

    def build(self) -> None:
        copy_release("hello", self.directory / "release", self.account)
        self.client.supply(self.release, self.node.reference).require()
        self.node.software().require()

    def request(self) -> None:
        # What ran here before the last end is started again, as after a boot of a machine.
        self.node.slapos("bang", "-m", "the demonstration begins").require()
        # Nothing is put on a node that has been banged before it is heard of again.
        self.node.instance().require(DONE, PROMISE_FAILED)
        self.client.request(TITLE, self.release, *WISHES).require()
        self.node.settle()
        shown = self.client.service_info(TITLE).require().output
        service = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
        self.url = service["connection-parameters"]["url"]

    def check_page(self) -> None:
        with build_opener(ProxyHandler({})).open(self.url, timeout=10) as answer:
            page = answer.read().decode()
        if "Welcome to your own cloud" not in page:
            raise CommandFailed(f"{self.url} shows something else:\n{page}")

    def work(self, steps: Steps) -> None:
        """Let the node do its work, for as long as there is a master."""
        self.node.keep_working(lambda news: steps.say(f"  {news}"), self.is_master_running)
        raise CommandFailed(f"the master has ended\n{self.master.last_lines()}")

    def is_master_running(self) -> bool:
        return self.master.process is not None and self.master.process.poll() is None

    def end(self) -> None:
        """End all that was started."""
        try:
            self.node.end_services()
        finally:
            self.master.end()

    def explain(self, steps: Steps) -> None:
        """Say what to open and which commands to try."""
        words = {
            "url": self.url,
            "slapos": self.client.environment.slapos,
            "client": self.client.configuration,
            "master": self.master.configuration,
            "program": self.master.program,
            "title": TITLE,
            "release": self.release,
            "node": self.node.reference,
            "node_program": self.node.program,
            "directory": self.directory,
        }
        steps.say(INVITATION.format(**words))


INVITATION = """
Open   {url}

As the customer:
  export SLAPOS_CLIENT_CONFIGURATION={client}
  alias slapos={slapos}
  slapos service list
  slapos service info {title}
  slapos computer list
  slapos request {title} {release} --parameters greeting=Hello
  slapos request family {release} --type parent
  slapos request {title} {release} --state stopped

As the operator of the master:
  export SLAPMASTER_CONFIG={master}
  alias slapmaster={program}
  slapmaster node list
  slapmaster node show {node}
  slapmaster journal

As the owner of the node:
  {node_program} status

The node hears of orders and carries them out.  Everything is below {directory}.
Ctrl-C ends it all.
"""
