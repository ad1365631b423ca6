"""Older clients lead the essential part of a life over TLS."""

import pytest

from tests.peers.life import FirstDays
from tests.peers.life import LastDays
from tests.peers.secure import introduce
from tests.peers.world import make_world

pytestmark = pytest.mark.peer


@pytest.fixture(scope="class", params=["1.25.0", "1.24.1"])
def world(request, install, account, master):
    world = make_world(master, install(request.param), account)
    try:
        world.master.serve()
        introduce(world)
        yield world
    finally:
        world.end()


class TestLife(LastDays, FirstDays):
    """Stages run in the order of the classes, the last base first."""
