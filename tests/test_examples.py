"""Each example runs by itself and prints what the docs show."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.thread_unsafe(reason="starts processes, once is enough")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
# `make demo` runs the digits.
NAMES = sorted({path.stem for path in EXAMPLES.glob("*.py")} - {"digits"})
CHANGING = re.compile(r"(dashboard|seconds): .*")


def metadata(name):
    """What the example's first lines declare (PEP 723, inline script metadata)."""
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    block = re.match(r"# /// script\n((?:#.*\n)*?)# ///\n", text)
    return tomllib.loads(re.sub("^# ?", "", block[1], flags=re.MULTILINE))


def projects(name):
    """The folders in examples/ that the example needs installed, by their distributions' names."""
    sources = metadata(name).get("tool", {}).get("uv", {}).get("sources", {})
    return {distribution: EXAMPLES / source["path"] for distribution, source in sources.items()}


def needs(name):
    """The names of the distributions, without extras; those of its projects instead of these."""
    required = metadata(name)["dependencies"]
    for project in projects(name).values():
        table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        required = required + table["project"]["dependencies"] + table["build-system"]["requires"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in required}
    return sorted(names - set(projects(name)))


@pytest.mark.parametrize("name", NAMES)
def test_prints_what_the_docs_show(name, tmp_path, request):
    wheels = request.config.getoption("each_in_its_own_environment")
    copies = [  # setuptools writes there
        shutil.copytree(project, tmp_path / project.name) for project in projects(name).values()
    ]
    python, environment = sys.executable, dict(os.environ)
    if wheels:
        python = new_environment(name, copies, tmp_path / "environment", wheels)
    else:
        skip_unless_installed(needs(name))
        installed = tmp_path / "installed"
        for project in copies:
            install(project, installed)
        environment["PYTHONPATH"] = os.pathsep.join(paths(installed))
    finished = subprocess.run(
        [python, EXAMPLES / f"{name}.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    expected = (EXAMPLES / "output" / f"{name}.txt").read_text()
    assert CHANGING.sub("", finished.stdout) == CHANGING.sub("", expected)


def new_environment(name, projects, folder, wheels):
    """What the example's first lines ask for and nothing else; cyrelu comes from a wheel."""
    uv = [sys.executable, "-m", "uv", "--quiet"]
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    example = EXAMPLES / f"{name}.py"
    install = ["pip", "install", "--python", python, "--find-links", Path(wheels).resolve()]
    subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, *install, "--requirements", example, *projects], check=True)
    return python


def skip_unless_installed(distributions):
    for distribution in distributions:
        try:
            importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{distribution} is not installed")


def install(project, folder):
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder, project], check=True
    )


def paths(folder):
    """What to look for modules in, this folder first."""
    return [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
