"""A Python of its own for what is read at import, or may hang or crash."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path


def run_python(code, **environment):
    """What a fresh interpreter prints; it must end in time, without our warnings.

    Of the environment's variables, None takes one away.
    """
    environment = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parent,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=120,
    )
