"""How many times a server is killed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cycles", type=int, default=6, help="how many times tests/crash kills its server"
    )


@pytest.fixture
def cycles(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--cycles")
