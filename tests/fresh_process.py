"""Runs code in a fresh interpreter: code that depends on import, or that may hang or crash."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

IN_A_THREAD = """\
import threading
def in_a_thread(work):
    "Whether a new thread did this work."
    done = []
    thread = threading.Thread(target=lambda: done.append(work()))
    thread.start()
    thread.join()
    return done == [True]
"""


def run_python(code, arguments=(), **environment):
    """Run code in a fresh interpreter, with a time limit; a RuntimeWarning is an error.

    An environment variable that is None is removed.
    """
    environment = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", textwrap.dedent(code), *arguments],
        cwd=Path(__file__).parent,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=120,
    )
