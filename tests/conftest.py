import hypothesis
import pytest

import cyrelu

# Shared machines stall: a slow example is no failure.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.load_profile("default")


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    """The thread limit in force during the test."""
    with cyrelu.num_threads(request.param):
        yield request.param
