"""Many clients of JSON-RPC and XML-RPC at once: nothing is lost, no place is given twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.driver import RELEASE
from tests.faces import FACES

CLIENTS = 8
TITLES = 64


@pytest.mark.parametrize("face", [FACES["json"], FACES["xml"]], ids=["json", "xml"])
def test_of_many_titles_asked_for_at_once_none_is_lost_and_each_is_one(make_master, face):
    master = make_master()
    person = master.add_person("owner")
    node = master.add_node(master.add_project("mine", person), "n", partitions=TITLES)
    person.supply(node, RELEASE)
    titles = [f"service {number}" for number in range(TITLES)] * 2
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda title: face.request(person, title), titles))
    assert len({answer.place for answer in answers}) == TITLES
    assert len({answer.guid for answer in answers}) == TITLES
    assert {(one.title, one.place) for one in face.on(node)} == {
        (answer.title, answer.place) for answer in answers
    }
