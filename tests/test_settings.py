"""Settings that environment variables and the processor determine at import."""

import pytest
from fresh_process import run_python

import cyrelu
from cyrelu._platform import settings

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

REPORT = """
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import cyrelu
    print(cyrelu.show_config("dicts")["streaming"]["stream_threshold_bytes"])
    print(*[warning.message for warning in caught])
"""


def test_cyrelu_stream_bytes():
    # Without streaming stores there is no threshold to report.
    can_stream = cyrelu.show_config("dicts")["streaming"]["stream_threshold_bytes"] is not None
    finished = run_python(REPORT, CYRELU_STREAM_BYTES="12345")
    assert finished.stdout == f"{12345 if can_stream else None}\n\n", finished.stderr


@pytest.mark.parametrize("value", ["-1", "8 MB", "1e6"])
def test_an_unusable_value_warns_and_is_ignored(value):
    default = run_python(REPORT, CYRELU_STREAM_BYTES="").stdout.split()
    limit, warning = run_python(REPORT, CYRELU_STREAM_BYTES=value).stdout.splitlines()
    assert [limit] == default
    assert f"CYRELU_STREAM_BYTES is '{value}'; expected an integer from 0" in warning


@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        (None, 32 << 20),
        (1 << 20, 4 << 20),
        (16 << 20, 12 << 20),
        (260 << 20, 32 << 20),
    ],
)
def test_the_stream_threshold_follows_the_last_level_cache(monkeypatch, cache, expected):
    monkeypatch.delenv("CYRELU_STREAM_BYTES", raising=False)
    monkeypatch.setattr(settings.cpu, "last_level_cache_bytes", lambda: cache)
    assert settings.stream_threshold_bytes() == expected
