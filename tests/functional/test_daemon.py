"""What a running master does every so often."""

from pathlib import Path

from slapmaster.control.operation import Asked
from slapmaster.control.operation import make_act
from slapmaster.daemon import place_the_rest
from slapmaster.domain import waiting
from slapmaster.domain.check import find_problems
from slapmaster.domain.registration import format_node
from slapmaster.domain.request import request_service
from slapmaster.master import opened_master
from slapmaster.settings import Settings
from tests.factories import make_node
from tests.factories import make_person
from tests.factories import make_project
from tests.factories import specs
from tests.factories import wanted


def test_more_wait_than_are_placed_at_once_and_all_find_their_place(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(waiting, "PLACED_AT_ONCE", 2)
    asked = Asked(name="test", arguments={}, by="test")
    with opened_master(Settings(data_directory=tmp_path / "data"), alone=True) as master:

        def fill(site) -> None:
            act = make_act(master, site, asked)
            project = make_project(act)
            person = make_person(act, "ada", project)
            node = make_node(act, project, partitions=0)
            for number in range(5):
                request_service(act, person, project, wanted(f"web{number}"))
            format_node(act, node, node.facts, specs(5))

        def look(site) -> tuple[int, list[str]]:
            placed = [one for one in site.instances if one.partition is not None]
            return len(placed), list(find_problems(site))

        master.parts.store.change(fill)
        assert master.parts.store.change(look) == (2, [])
        place_the_rest(master)
        assert master.parts.store.change(look) == (5, [])
