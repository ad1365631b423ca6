"""The same behaviour through four drivers, over TLS: three faces, and the peer's client library."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slapmaster.demo.environment import NEWEST
from tests.behaviour import Behaviour
from tests.behaviour import node
from tests.behaviour import person
from tests.driver import RELEASE
from tests.faces import FACES
from tests.faces import Refused
from tests.faces import Seen
from tests.faces import read_classic
from tests.secured import SecuredMaster
from tests.secured import TLSDriver

__all__ = ["node", "person"]

pytestmark = pytest.mark.peer

PUPPET = Path(__file__).with_name("puppet.py")


class LibraryFace:
    """The peer's client library, in the peer's own Python."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def call(self, asker: TLSDriver, action: str, **said: object) -> Any:
        certificate, key = asker.files
        who = {"url": asker.url, "certificate": certificate, "key": key, "action": action}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({**who, **said}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "kind" in answer:
            raise Refused(answer["kind"], answer["text"])
        return answer["told"]

    def request(self, asker: TLSDriver, title: str, **wanted: Any) -> Seen | None:
        found = self.call(
            asker, "request", title=title, release=RELEASE, place=list(asker.place.values()),
            parameters=wanted.get("parameters", {}), demands=wanted.get("demands", {}),
            state=wanted.get("state", "started"), shared=wanted.get("shared", False),
        )  # fmt: skip
        return found and read_classic(found, found["instance_title"])

    def on(self, node: TLSDriver) -> list[Seen]:
        found = [(one, one["_parameter_dict"]) for one in self._list_on(node, node.reference)]
        return [read_classic({**one, **told}, told["instance_title"]) for one, told in found]

    def supply(
        self, asker: TLSDriver, node: TLSDriver, url: str, state: str = "available"
    ) -> None:
        self.call(asker, "supply", node=node.reference, release=url, state=state)

    def say(self, asker: TLSDriver, seen: Seen, state: str) -> None:
        """The library doesn't tell what is answered: what the master won't have is still there."""
        self.call(asker, "say", place=seen.place, state=state)
        left = [one["_instance_guid"] for one in self._list_on(asker, seen.place[0])]
        if state == "destroyed" and seen.guid in left:
            raise Refused("conflict", f"{seen.title} is still there")

    def publish(self, asker: TLSDriver, seen: Seen, connection: dict[str, str]) -> None:
        self.call(asker, "publish", place=seen.place, connection=connection)

    def bang(self, asker: TLSDriver, seen: Seen) -> None:
        self.call(asker, "bang", place=seen.place, message="look")

    def fail(self, asker: TLSDriver, seen: Seen, message: str) -> None:
        self.call(asker, "fail", place=seen.place, message=message)

    def rename(self, asker: TLSDriver, seen: Seen, title: str) -> None:
        self.call(asker, "rename", place=seen.place, title=title)

    def status(self, asker: TLSDriver, seen: Seen) -> str:
        for one in self._list_on(asker, seen.place[0]):
            if one["_instance_guid"] == seen.guid:
                return one["_access_status"]
        raise Refused("absent", f"{seen.title} is not shown")

    def key(self, node: TLSDriver, seen: Seen) -> str:
        return self.call(node, "certificate", place=seen.place)["key"]

    def _list_on(self, asker: TLSDriver, node: str) -> list[dict[str, Any]]:
        return [
            one for one in self.call(asker, "list_on", node=node) if one.get("_parameter_dict")
        ]


@pytest.fixture(autouse=True)
def earlier_stages_passed() -> None:
    """Here every test stands for itself: one that fails takes no other with it."""


@pytest.fixture(scope="module")
def library(install) -> Iterator[LibraryFace]:
    process = subprocess.Popen(
        [install(NEWEST).python, "-W", "ignore", PUPPET],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield LibraryFace(process)
    process.stdin.close()
    process.wait()
    process.stdout.close()


@pytest.fixture
def master(issuer, tmp_path) -> Iterator[SecuredMaster]:
    master = SecuredMaster(issuer, tmp_path)
    problems = None
    try:
        yield master
    finally:
        problems = master.close()
    assert not problems


class TestFaces(Behaviour):
    """Classic SLAP, JSON-RPC and XML-RPC, as programs of anybody's speak them."""

    @pytest.fixture(params=sorted(FACES))
    def face(self, request):
        return FACES[request.param]


class TestLibrary(Behaviour):
    """The client library of the peer, unmodified."""

    @pytest.fixture
    def face(self, library):
        return library
