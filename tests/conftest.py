import hypothesis
import pytest

import cyrelu
from cyrelu import _testing

# Shared machines stall: a slow example is no failure.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.load_profile("default")


def pytest_report_header():
    config = cyrelu.show_config("dicts")
    return f"cyrelu: {cyrelu.__file__}, {config['build']}, OpenMP {config['openmp']}"


@pytest.fixture(autouse=True, scope="session")
def threads_whatever_the_machine_is_doing():
    """No pause after a stall: the tests of threads shall run with threads on a busy machine too."""
    _testing.set_stall_policy(pause=0)


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    """The thread limit in force during the test."""
    with cyrelu.num_threads(request.param):
        yield request.param
