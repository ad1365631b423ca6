"""The same behaviour, whichever face it is asked of: classic SLAP, JSON-RPC, XML-RPC."""

import pytest

from tests.behaviour import Behaviour
from tests.behaviour import node
from tests.behaviour import person
from tests.faces import FACES

__all__ = ["node", "person"]


@pytest.fixture(params=sorted(FACES))
def face(request):
    return FACES[request.param]


@pytest.fixture
def master(make_master):
    return make_master(in_memory=True)


class TestFaces(Behaviour):
    """Through the whole application, in this process."""
