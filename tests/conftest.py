import hypothesis
import pytest

import cyrelu
from cyrelu import _testing

# No deadline: on a shared machine a slow example is not a failure.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption(
        "--each-in-its-own-environment",
        metavar="WHEELS",
        help="make a new environment for each example, with cyrelu's wheel from this folder",
    )


def pytest_report_header():
    config = cyrelu.show_config("dicts")
    return f"cyrelu: {cyrelu.__file__}, {config['build']}, OpenMP {config['openmp']}"


@pytest.fixture(autouse=True, scope="session")
def stall_back_off_disabled():
    """Disable the stall back-off, so that thread tests always use threads."""
    _testing.set_stall_policy(pause=0)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    """The thread limit in effect during the test."""
    with cyrelu.num_threads(request.param):
        yield request.param
