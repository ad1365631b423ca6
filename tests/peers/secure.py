"""What comes before the first day where there are certificates: tokens, and who is believed."""

import ssl
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler
from urllib.request import ProxyHandler
from urllib.request import build_opener

from slapmaster.demo.client import NOT_READY
from slapmaster.demo.client import Client
from slapmaster.demo.node import Node
from tests.peers.world import World


def introduce(world: World) -> None:
    """Give the customer and the node what proves who they are."""
    master = world.master
    token = master.create_token("client")
    world.client.configure(master.api_url, master.web_url, token).require()
    token = master.create_token("node")
    world.node.register("first", master.api_url, master.web_url, token).require()


def make_client(world: World, name: str) -> Client:
    """Give another customer, with a home of their own."""
    home = world.directory / name
    home.mkdir()
    world.client.account.take(home)
    return Client(world.client.environment, home, world.client.account)


def answer_to_a_stranger(url: str) -> int:
    """Give the status that somebody gets who shows no certificate, and checks none."""
    context = ssl._create_unverified_context()
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status
    except HTTPError as refusal:
        with refusal:
            return refusal.code


class Introduction:
    """From two tokens to two certificates."""

    def test_a_customer_becomes_known_by_a_token(self, world):
        token = world.master.create_token("client")
        urls = (world.master.api_url, world.master.web_url)
        world.client.configure(*urls, token).require()
        certificate = world.client.configuration.with_name("client.crt").read_text()
        assert "BEGIN CERTIFICATE" in certificate
        assert world.client.service_list().require()

    def test_a_token_is_good_for_one_certificate(self, world):
        token = world.master.create_token("client")
        urls = (world.master.api_url, world.master.web_url)
        make_client(world, "second").configure(*urls, token).require()
        refused = make_client(world, "third").configure(*urls, token)
        assert refused.code == 1
        assert "Access denied" in refused.output

    def test_a_node_registers_by_a_token(self, world):
        token = world.master.create_token("node")
        urls = (world.master.api_url, world.master.web_url)
        outcome = world.node.register("first", *urls, token).require()
        assert world.node.reference.startswith("COMP-")
        assert f"configured as {world.node.reference}" in outcome.output

    def test_a_token_of_the_customer_registers_a_node_too(self, world):
        output = world.client.computer_token().require().output
        token = output.partition("Computer token: ")[2].split()[0]
        same = (world.node.environment, world.directory / "o", world.node.account)
        other = Node(*same, partitions=1)
        other.prepare()
        other.register("second", world.master.api_url, world.master.web_url, token).require()
        assert other.reference != world.node.reference
        listed = world.client.computer_list().require().output
        assert f"{other.reference} second" in listed

    def test_nobody_is_believed_without_a_certificate(self, world):
        query = urlencode({"computer_id": world.node.reference})
        url = f"{world.master.api_url}/getFullComputerInformation?{query}"
        assert answer_to_a_stranger(url) == 401

    def test_a_request_waits_while_no_node_has_the_release(self, world):
        outcome = world.request("early")
        assert outcome.code == NOT_READY
        assert "Please rerun in a couple of minutes" in outcome.output
        world.destroy("early")


class Farewell:
    """What is left, and who is believed no longer."""

    def test_nothing_is_wrong_in_the_store(self, world):
        assert "nothing is wrong" in world.master.command("check").require().output

    def test_a_node_whose_certificate_is_revoked_is_not_answered(self, world):
        world.node.software().require()
        words = ("node", "certificate", "revoke", world.node.reference)
        world.master.command(*words).require()
        assert world.node.software().code != 0

    def test_a_customer_whose_certificate_is_revoked_is_not_answered(self, world):
        world.client.service_list().require()
        words = ("person", "certificate", "revoke", world.master.account.name)
        world.master.command(*words).require()
        assert world.client.service_list().code != 0
