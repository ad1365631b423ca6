"""What the tests of the agent share: a node of their own."""

from collections.abc import Iterator

import pytest

from tests.node.place import URL
from tests.node.place import Place
from tests.node.place import make_place


@pytest.fixture
def place() -> Iterator[Place]:
    """A node with two partitions, and a release that one of them is to have."""
    place = make_place()
    try:
        place.add_release()
        place.master.order("slappart0", URL)
        yield place
    finally:
        place.end()
