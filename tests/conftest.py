"""What all tests share."""

import os

import pytest

# Two threads everywhere: the same bytes on every machine that has them, and no fight for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "2")


def pytest_addoption(parser):
    parser.addoption(
        "--real-kills",
        type=int,
        default=3,
        help="how often a real run is killed by SIGKILL and resumed, for each recipe",
    )


@pytest.fixture(scope="session")
def real_kills(request):
    return request.config.getoption("--real-kills")
