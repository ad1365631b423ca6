"""The generator of sites makes sites that are sound, and as mixed as it says."""

from collections import Counter

from slapmaster.domain.check import find_problems
from slapmaster.proxy import opened_proxy
from slapmaster.proxy import read_proxy_settings
from slapmaster.storage import opened
from tests.bench.peers import write_configuration
from tests.bench.site import PLACES
from tests.bench.site import TAKEN
from tests.bench.site import MadeSite
from tests.bench.site import build


def test_a_site_is_sound_and_mixed(tmp_path):
    assert list(build(tmp_path, 20)) == [20]
    settings = read_proxy_settings(write_configuration(MadeSite(tmp_path)))
    with opened_proxy(settings) as master, opened(master.parts.store.main) as connection:
        site = connection.root()["site"]
        nodes = [node for node in site.nodes if node.title.startswith("node ")]
        kinds = Counter((str(one.availability), len(one.installations)) for one in nodes)
        assert list(find_problems(site)) == []
        assert {len(node.partitions) for node in nodes} == {PLACES}
        assert len(site.instances) == 18 * TAKEN
    assert kinds == {("room", 1): 17, ("room", 0): 2, ("closed", 1): 1}
