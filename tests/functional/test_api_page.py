"""The page for programs: its examples run, and it names every method and every word."""

import re
import textwrap
from datetime import UTC
from datetime import datetime
from pathlib import Path

import pytest

from slapcore.server.listeners import Listener
from slapcore.server.listeners import Server
from slapmaster.api.jsonrpc import list_methods
from slapmaster.api.jsonrpc.refusal import WORDS
from slapmaster.domain.certification import issue_certificate

PAGE = (Path(__file__).parents[2] / "docs" / "api.rst").read_text(encoding="utf-8")
EXAMPLES = [
    textwrap.dedent(block)
    for block in re.findall(r"code-block:: python\n\n((?:    .*\n|\n)+)", PAGE)
]


@pytest.fixture
def folder(make_master, tmp_path, monkeypatch):
    """Give a folder with what the examples need, and a Master that listens."""
    master = make_master(in_memory=True)
    person = master.add_person("owner")
    node = master.add_node(master.add_project("mine", person), "n", partitions=1)
    person.supply(node)
    new = master.change(
        lambda act: issue_certificate(act, act.site.persons[person.reference], only_one=False)
    )
    authority = master.issuer.authority
    server = authority.issue_server(["localhost"], days=1, now=datetime.now(UTC))
    for name, text in {
        "authority.crt": authority.certificate_pem.decode(),
        "me.crt": new.certificate,
        "me.key": new.key,
        "server.crt": server.certificate,
        "server.key": server.key,
    }.items():
        (tmp_path / name).write_text(text)
    listener = Listener.tls(
        "127.0.0.1", 0, certificate=tmp_path / "server.crt", key=tmp_path / "server.key"
    )
    served = Server(master.wsgi, listeners=[listener], threads=2)
    served.start()
    monkeypatch.chdir(tmp_path)
    yield f"localhost:{served.addresses[0].port}"
    served.stop()


@pytest.mark.parametrize("example", EXAMPLES, ids=["json", "xml"])
def test_an_example_does_what_the_page_says(folder, capsys, example):
    exec(example.replace("master.example.com:8443", folder), {})
    assert "SOFTINST-1" in capsys.readouterr().out


def test_every_method_is_on_the_page():
    assert {method.name for _, method in list_methods()} == set(
        re.findall(r"``(slapos\.\w+\.(?:v0|WIP)\.\w+)``", PAGE)
    )


def test_every_word_for_an_error_is_on_the_page():
    words = {word for _, word, _ in WORDS} - {"NOT-FOUND"}
    for _, method in list_methods():
        words |= {method.denied} | {word for _, word, _ in method.words}
        words |= {method.absent} - {"NOT-FOUND", "HATEOAS-URL-NOT-FOUND"}
    assert {word for word in words if f"``{word}``" not in PAGE} == set()
