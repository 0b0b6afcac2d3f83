"""Builds the source distribution into a folder, and checks that it is complete and reproducible.

The build backend's archive is repacked, so that its bytes depend on the files and SOURCE_DATE_EPOCH
alone. It is built twice, from copies of the tree with different paths and file times; the bytes
must be the same. It must contain every file of the repository except those for git and CI, and a
wheel must build from it with nothing but the installed build requirements.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = (".ci/", ".git")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    destination = parser.parse_args().folder
    tracked = git("ls-files").splitlines()
    os.environ.setdefault("SOURCE_DATE_EPOCH", git("log", "-1", "--format=%ct").strip())
    with tempfile.TemporaryDirectory() as folder:
        copies = Path(folder)
        first = build(tracked, copies / "one", age=0)
        second = build(tracked, copies / "another one", age=10**8)
        if first.read_bytes() != second.read_bytes():
            return fail(f"two builds differ: {first.name}, {second.name}")
        with tarfile.open(first) as archive:
            names = {name.partition("/")[2] for name in archive.getnames() if "/" in name}
            archive.extractall(copies / "unpacked", filter="data")
        missing = [name for name in tracked if name not in names and not name.startswith(LEFT_OUT)]
        if missing:
            return fail(f"the source distribution lacks {missing}")
        tree = copies / "unpacked" / first.name.removesuffix(".tar.gz")
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", cwd=tree)
        destination.mkdir(parents=True, exist_ok=True)
        for old in destination.glob("*.tar.gz"):
            old.unlink()
        result = Path(shutil.copy(first, destination))
    run(sys.executable, "-m", "twine", "check", "--strict", result)
    print(
        f"{result}: {result.stat().st_size:,} bytes, {len(names)} entries; complete; two builds "
        f"with SOURCE_DATE_EPOCH={os.environ['SOURCE_DATE_EPOCH']} are the same; makes a wheel"
    )
    return 0


def build(tracked: list[str], tree: Path, age: int) -> Path:
    for name in tracked:
        copy = tree / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy)
        moment = copy.stat().st_mtime - age
        os.utime(copy, (moment, moment))
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", cwd=tree)
    [archive] = (tree / "dist").glob("*.tar.gz")
    repack(archive)
    return archive


def repack(archive: Path) -> None:
    """Repack it: members sorted by name, without owners, all with the same time."""
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    folder = archive.with_suffix(".unpacked")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = moment
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=moment) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as repacked,
    ):
        for top in sorted(folder.iterdir()):
            repacked.add(top, top.name, filter=anonymous)  # contents are sorted by name, too


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def run(*command: object, **how: object) -> None:
    finished = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how
    )
    if finished.returncode:
        sys.exit(f"{finished.stdout}\nbuild_sdist: {command} failed, see above")


def fail(reason: str) -> int:
    print(f"build_sdist: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
