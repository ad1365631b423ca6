"""A node run by the real ``slapos node``: no users made, no network touched, all in one place."""

import configparser
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from slapmaster.demo.account import Account
from slapmaster.demo.environment import Environment
from slapmaster.demo.environment import is_open_to_all
from slapmaster.demo.process import CommandFailed
from slapmaster.demo.process import Outcome
from slapmaster.demo.process import Word
from slapmaster.demo.process import end
from slapmaster.demo.process import make_environment
from slapmaster.demo.process import run

#: exit codes of ``slapos node instance``
DONE = 0
FAILED = 1
PROMISE_FAILED = 2
OFFLINE = 3

#: ``slapos node register`` wants to hear that it is root, and does nothing that needs it
AS_IF_ROOT = (
    "import os, sys; os.getuid = lambda: 0; sys.argv[0] = 'slapos';"
    "from slapos.cli.entry import main; sys.exit(main())"
)

#: what ``format`` would do to the machine
ALTERATIONS = (
    "alter_user",
    "alter_network",
    "create_tap",
    "create_tun",
    "partition_has_ipv6_range",
)

#: what the legacy node says before it does something to a release or a partition
WORK = re.compile(
    r"(?:Processing|Destroying) Computer Partition (\w+)|Installing software release|Destroying '"
)

#: what is worth telling of what it says in a round
NEWS = re.compile(
    r"INFO ((?:Installing software|Destroy|Processing Computer P|  \w+\[\w+\]: ).*)"
)
#: seconds between two rounds
PAUSE = 10.0

#: nothing listens there: ``format`` asks public services for its address unless it can't reach them
NOWHERE = "http://127.0.0.1:9"


def draw_network() -> str:
    """Give the beginning of a loopback address, so that two nodes do not share addresses."""
    return f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}"


@dataclass(frozen=True)
class Node:
    """One node: an installed client, a directory, and the account it runs as."""

    environment: Environment
    directory: Path
    account: Account
    partitions: int = 6
    network: str = field(default_factory=draw_network)

    @property
    def configuration(self) -> Path:
        return self.directory / "etc" / "slapos.cfg"

    @property
    def software_root(self) -> Path:
        return self.directory / "soft"

    @property
    def instance_root(self) -> Path:
        return self.directory / "inst"

    @property
    def shared_root(self) -> Path:
        return self.directory / "shared"

    @property
    def reference(self) -> str:
        return self.read_configuration()["slapos"]["computer_id"]

    def read_configuration(self) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(self.configuration)
        return parser

    def prepare(self) -> None:
        """Make the directories; harmless when they are there."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in ("etc", "soft", "inst", "shared", "run", "home"):
            path = self.directory / name
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
            self.account.take(path)

    # how it comes to its configuration

    def register(self, title: str, api_url: str, web_url: str, token: str) -> Outcome:
        """Register with a one-time token, and complete the configuration that comes out of it."""
        with tempfile.TemporaryDirectory(dir=open_temporary_directory()) as name:
            # The command opens every directory above its configuration to everybody.
            outside = Path(name)
            outside.chmod(0o755)
            self.account.take(outside)
            etc = outside / "etc"
            where = ("--master-url", api_url, "--master-url-web", web_url, "--token", token)
            outcome = self.run_register(title, etc, where)
            if outcome.code == 0:
                shutil.copytree(etc, self.configuration.parent, dirs_exist_ok=True)
        if outcome.code == 0:
            self.complete_configuration(secure=True)
        return outcome

    def run_register(self, title: str, etc: Path, where: Iterable[str]) -> Outcome:
        words = ("node", "register", title, *where, "--partition-number", str(self.partitions))
        program = (self.environment.python, "-c", AS_IF_ROOT)
        command: tuple[Word, ...] = (*program, *words, "--cfg", etc / "slapos.cfg")
        return run(command, self.account, self.variables())

    def point_at(self, api_url: str, reference: str) -> None:
        """Write the configuration of a node that needs no certificate."""
        self.configuration.write_text(
            f"[slapos]\ncomputer_id = {reference}\nmaster_url = {api_url}\n"
        )
        self.complete_configuration(secure=False)

    def complete_configuration(self, secure: bool) -> None:
        """Say where everything lies and that the machine itself is to be left as it is."""
        parser = self.read_configuration()
        kept = {key: parser["slapos"][key] for key in ("computer_id", "master_url")}
        parser = configparser.ConfigParser(interpolation=None)
        parser["slapos"] = kept | self.settings() | (self.certificate_settings() if secure else {})
        parser["slapformat"] = self.format_settings()
        with self.configuration.open("w") as file:
            parser.write(file)
        self.write_definition()
        self.account.take_tree(self.configuration.parent)

    def settings(self) -> dict[str, str]:
        return {
            "software_root": str(self.software_root),
            "instance_root": str(self.instance_root),
            "shared_part_list": str(self.shared_root),
            "root_check": "False",
            "software_min_free_space": "1M",
            "instance_min_free_space": "1M",
            "pidfile_software": str(self.directory / "run" / "software.pid"),
            "pidfile_instance": str(self.directory / "run" / "instance.pid"),
            "pidfile_report": str(self.directory / "run" / "report.pid"),
        }

    def certificate_settings(self) -> dict[str, str]:
        ssl = self.configuration.parent / "ssl"
        return {
            "key_file": str(ssl / "key"),
            "cert_file": str(ssl / "certificate"),
            "certificate_repository_path": str(ssl / "partition_pki"),
        }

    def format_settings(self) -> dict[str, str]:
        return {
            "interface_name": "lo",
            "partition_amount": str(self.partitions),
            "input_definition_file": str(self.configuration.parent / "definition.cfg"),
            "computer_xml": str(self.directory / "run" / "computer.xml"),
            "log_file": str(self.directory / "run" / "format.log"),
            "partition_base_name": "slappart",
            "user_base_name": "slapuser",
            "tap_base_name": "slaptap",
            **dict.fromkeys(ALTERATIONS, "False"),
        }

    def write_definition(self) -> None:
        """Write what ``format`` would find out: a user and two addresses for each partition."""
        parser = configparser.RawConfigParser()
        parser["computer"] = {
            "address": "127.0.0.1/255.0.0.0",
            "software_user": self.account.name,
        }
        for number in range(self.partitions):
            parser[f"partition_{number}"] = {
                "user": self.account.name,
                "address": f"{self.network}.{number + 1}/255.255.255.255 ::1/128",
                "pathname": f"slappart{number}",
                "network_interface": f"slaptap{number}",
            }
        with (self.configuration.parent / "definition.cfg").open("w") as file:
            parser.write(file)

    # what it does

    def variables(self) -> dict[str, str]:
        return make_environment(self.directory / "home")

    def slapos(self, *words: str | Path) -> Outcome:
        """Run one command of the node as it would be typed."""
        with_configuration = (words[0], "--cfg", self.configuration, *words[1:])
        command = (self.environment.slapos, "node", *with_configuration)
        return run(command, self.account, self.variables())

    def format(self) -> Outcome:
        closed = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
        command = (self.environment.slapos, "node", "format", "--now", "--cfg", self.configuration)
        return run(command, self.account, make_environment(self.directory / "home", closed))

    def software(self, *options: str) -> Outcome:
        return self.slapos("software", *options)

    def instance(self, *options: str) -> Outcome:
        return self.slapos("instance", *options)

    def report(self) -> Outcome:
        return self.slapos("report")

    def has_worked(self, outcome: Outcome, partition: str = "") -> bool:
        """Tell whether a command has done anything, or anything to one partition."""
        found = WORK.finditer(outcome.output)
        return any(not partition or match[1] == partition for match in found)

    def settle(self, rounds: int = 8) -> Outcome:
        """Process instances until none has news: those of a child make its parent run again."""
        for _ in range(rounds):
            outcome = self.instance()
            if outcome.code == DONE and not self.has_worked(outcome):
                return outcome
        raise CommandFailed(f"the node does not settle in {rounds} rounds\n{outcome.last_lines()}")

    @property
    def program(self) -> str:
        """What is typed before a command of the node."""
        return f"{self.environment.slapos} node"

    def keep_working(self, say: Callable[[str], None], is_wanted: Callable[[], bool]) -> None:
        """Do rounds, as cron would have them done on a permanent node."""
        while is_wanted():
            outcomes = [self.software(), self.instance()]
            if outcomes[-1].code in (DONE, PROMISE_FAILED):
                outcomes.append(self.report())
            for outcome in outcomes:
                for news in NEWS.findall(outcome.output):
                    say(news)
            time.sleep(PAUSE)

    def end_services(self) -> None:
        """End the node's supervisord, and all its services with it."""
        try:
            pid = int((self.instance_root / "var" / "run" / "supervisord.pid").read_text())
        except (FileNotFoundError, ValueError):
            return
        if str(self.instance_root) in read_command(pid):
            end(pid)


def read_command(pid: int) -> str:
    """Give the command line of a process; nothing for one that is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return b" ".join(words).decode(errors="replace")


def open_temporary_directory() -> str:
    """Give a temporary directory that is below nobody's private one."""
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if os.path.isdir(name) and is_open_to_all(Path(name)):
            return name
    return tempfile.gettempdir()
