"""Many clients at once, over HTTP: nothing is lost, no place is given twice, no title is twice.

The same figures are measured for SlapProxy by ``make bench``.
"""

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slapcore.protocol import marshal
from tests.served import Served
from tests.served import check_stored

CLIENTS = 8
PARTITIONS = 260


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path)
    server.start()
    try:
        server.format(PARTITIONS)
        yield server
    finally:
        server.stop()
    check_stored(tmp_path)


def at_once(job: Callable[[str], marshal.Document], titles: list[str]) -> list[marshal.Document]:
    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(job, titles))


def living(server: Served) -> dict[str, str]:
    """Give the titles of the instances there are, by partition."""
    return {
        one.attributes["_partition_id"]: one.attributes["_parameter_dict"]["instance_title"]
        for one in server.partitions()
        if "_parameter_dict" in one.attributes
    }


def test_of_200_titles_asked_for_at_once_none_is_lost(server: Served) -> None:
    titles = [f"service {number}" for number in range(200)]
    answers = at_once(server.request, titles)
    places = [answer.attributes["slap_computer_partition_id"] for answer in answers]
    assert len(set(places)) == 200
    assert living(server) == dict(zip(places, titles, strict=True))


def test_a_title_asked_for_by_eight_at_once_is_one_instance(server: Served) -> None:
    titles = [f"service {number // CLIENTS}" for number in range(20 * CLIENTS)]
    answers = at_once(server.request, titles)
    guids = {
        (title, *map(answer.attributes.get, ("_instance_guid", "slap_computer_partition_id")))
        for title, answer in zip(titles, answers, strict=True)
    }
    assert len(guids) == 20
    assert Counter(living(server).values()) == Counter(set(titles))


def test_of_200_shared_instances_asked_for_at_once_none_is_lost(server: Served) -> None:
    host = server.request("host").attributes["slap_computer_partition_id"]
    titles = [f"share {number}" for number in range(200)]
    answers = at_once(lambda title: server.request(title, shared=True), titles)
    shares = server.partition(host).attributes["_parameter_dict"]["slave_instance_list"]
    assert sorted(share["slave_title"] for share in shares) == sorted(titles)
    assert {share["slave_reference"] for share in shares} == {
        answer.attributes["_instance_guid"] for answer in answers
    }
