"""Older clients lead the essential part of a life over TLS."""

import pytest

from tests.peers.life import FirstDays
from tests.peers.life import LastDays
from tests.peers.secure import introduce
from tests.peers.world import make_world

pytestmark = pytest.mark.peer


@pytest.fixture(scope="class")
def world(request, install, account, master):
    world = make_world(master, install(request.cls.version), account)
    try:
        world.master.serve()
        introduce(world)
        yield world
    finally:
        world.end()


class TestLifeWith125(LastDays, FirstDays):
    """Stages run in the order of the classes, the last base first."""

    version = "1.25.0"


class TestLifeWith124(LastDays, FirstDays):
    """The oldest one, on the oldest Python."""

    version = "1.24.1"
