"""What all tests share."""

import contextlib
import functools
import os
import resource
import signal

import pytest

# Everything here is small, and on a busy machine threads that wait for each other take a hundred times longer.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# A shell that runs this in the background has Ctrl-C ignored, which every child would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def small_settings(tmp_path_factory):
    """Recipe → the settings of a run of a second."""
    from tests.crash.small_runs import small_runs

    return small_runs(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory, small_settings):
    """`trained("sentiment")` is the folder of that recipe's small run, finished; tests leave it as it is."""
    from chainrule import api

    @functools.cache
    def folder(recipe):
        output = tmp_path_factory.mktemp(recipe) / "run"
        api.train(recipe, output=output, **small_settings[recipe])
        return output

    return folder


@pytest.fixture(scope="session")
def minilm():
    """The folder of the published MiniLM-L6; tests leave it as it is."""
    from chainrule.data.published import published_model

    return published_model("minilm-l6")


@pytest.fixture
def full_disk():
    """`with full_disk(1000):` no file grows beyond so many bytes, which to a program is a full disk."""

    @contextlib.contextmanager
    def limited(size):
        before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

    return limited
