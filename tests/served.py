"""A master in a process of its own, and clients that speak to it as legacy ones do."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

from slapcore.protocol import marshal

RELEASE = "http://example.com/software.cfg"
#: Seconds that a server may take until it answers.
PATIENCE = 60
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Lost(Exception):
    """The server did not answer: what was asked may have been done, or not."""


class Served:
    """``slapmaster proxy`` over a directory; it may be killed and started again."""

    def __init__(self, folder: Path, node: str = "local_computer") -> None:
        self.folder = folder
        self.node = node
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.config = folder / "slapos.cfg"
        self.config.write_text(
            f"[slapos]\ncomputer_id = {node}\nmaster_url = http://127.0.0.1:{self.port}/\n"
            f"[slapproxy]\nhost = 127.0.0.1\nport = {self.port}\n"
            f"database_uri = {folder}/proxy.db\n"
        )

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "slapmaster", "proxy", "--config", str(self.config)],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.call("GET", "getHateoasUrl", {})
            except Lost:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"the server does not answer: {self.log()}")

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)

    def call(self, method: str, operation: str, fields: dict[str, str]) -> tuple[int, bytes]:
        """Ask once, over a connection of its own; raises ``Lost`` without a whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        text = urlencode(fields)
        try:
            if method == "GET":
                connection.request("GET", f"/{operation}?{text}", headers=FORM)
            else:
                connection.request("POST", f"/{operation}", text, FORM)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Lost(str(error)) from error
        finally:
            connection.close()

    def format(self, partitions: int) -> None:
        described = {
            "reference": self.node,
            "address": "127.0.0.1",
            "netmask": "255.0.0.0",
            "partition_list": [
                {
                    "reference": f"slappart{number}",
                    "address_list": [{"addr": "127.0.0.1", "netmask": "255.0.0.0"}],
                    "tap": {"name": f"slaptap{number}"},
                }
                for number in range(partitions)
            ],
        }
        fields = {"xml": marshal.encode(described).decode()}
        assert self.call("POST", "loadComputerConfigurationFromXML", fields)[0] == 200

    def request(
        self,
        title: str,
        *,
        shared: bool = False,
        state: str | None = None,
        filters: dict[str, str] | None = None,
        **parameters: str,
    ) -> marshal.Document:
        status, body = self.call(
            "POST",
            "requestComputerPartition",
            {
                "software_release": RELEASE,
                "software_type": "default",
                "partition_reference": title,
                "partition_parameter_xml": marshal.encode(parameters).decode(),
                "filter_xml": marshal.encode(filters or {}).decode(),
                "shared_xml": marshal.encode(shared).decode(),
                "state": marshal.encode(state).decode(),
            },
        )
        assert status == 200, (status, body)
        answer = marshal.decode(body)
        assert isinstance(answer, marshal.Document)
        return answer

    def partition(self, name: str) -> marshal.Document:
        status, body = self.call(
            "GET",
            "registerComputerPartition",
            {"computer_reference": self.node, "computer_partition_reference": name},
        )
        assert status == 200, (status, body)
        answer = marshal.decode(body)
        assert isinstance(answer, marshal.Document)
        return answer

    def partitions(self) -> list[marshal.Document]:
        status, body = self.call(
            "GET", "getFullComputerInformation", {"computer_id": self.node}
        )
        assert status == 200, (status, body)
        return marshal.decode(body).attributes["_computer_partition_list"]

    def post(self, operation: str, name: str, **fields: str) -> int:
        """Say something of a partition; give the status of the answer."""
        place = {"computer_id": self.node, "computer_partition_id": name}
        return self.call("POST", operation, {**place, **fields})[0]


def check_stored(folder: Path) -> None:
    """Have ``slapmaster check`` look at the database that a server has left."""
    data = folder / "proxy.db.slapmaster"
    found = subprocess.run(
        [sys.executable, "-m", "slapmaster", "--directory", str(data), "check"],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert found.returncode == 0, found.stdout + found.stderr
