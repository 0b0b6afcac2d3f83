"""Checks the wheels in a folder before they are uploaded: metadata, contents and size."""

from __future__ import annotations

import argparse
import subprocess
import sys
import zipfile
from pathlib import Path

MAX_BYTES = 2_000_000
NEEDED = ["cyrelu/kernels.pxd", "cyrelu/memoryviews.pxd", "cyrelu/scalar.pxd", "cyrelu/py.typed"]
LIBRARY_FOLDERS = ("cyrelu.libs", ".dylibs")
BINARIES = (".so", ".pyd")
# W009 and W010 object to the folder of vendored libraries beside the package.
WHEEL_CONTENTS = ["check_wheel_contents", "--ignore", "W009,W010"]
RUNTIME_LICENSES = {"libgomp": "libgomp.txt", "libomp.": "libomp.txt", "vcomp": "vcomp140.txt"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    wheels = sorted(parser.parse_args().folder.glob("*.whl"))
    if not wheels:
        sys.exit("check_wheels: there is no wheel")
    faults = [f"{wheel.name}: {fault}" for wheel in wheels for fault in faults_of(wheel)]
    stable_abi = [wheel for wheel in wheels if "-abi3-" in wheel.name]
    checks = [
        (["twine", "check", "--strict"], wheels),
        (WHEEL_CONTENTS, wheels),
        (["abi3audit", "--strict"], stable_abi),
    ]
    for command, checked in checks:
        if checked and subprocess.run([sys.executable, "-m", *command, *checked]).returncode:
            faults.append(f"{command[0]} objects, see above")
    for wheel in wheels:
        print(f"{wheel.stat().st_size:>10,} bytes  {wheel.name}")
    for fault in faults:
        print(f"check_wheels: {fault}", file=sys.stderr)
    return 1 if faults else 0


def faults_of(wheel: Path) -> list[str]:
    names = zipfile.ZipFile(wheel).namelist()
    files = {Path(name).name for name in names}
    libraries = [Path(name).name for name in names if Path(name).parent.name in LIBRARY_FOLDERS]
    faults = [f"lacks {name}" for name in NEEDED if name not in names]
    if wheel.stat().st_size > MAX_BYTES:
        faults.append(f"has {wheel.stat().st_size:,} bytes; expected at most {MAX_BYTES:,}")
    if not any(name.startswith("cyrelu/_loops/") and name.endswith(BINARIES) for name in names):
        faults.append("lacks the loops")
    runtimes = [
        name for name in RUNTIME_LICENSES if any(file.startswith(name) for file in libraries)
    ]
    if len(runtimes) != 1:
        faults.append(f"brings OpenMP runtimes along: {runtimes}; expected one")
    if not any("/sboms/" in name for name in names):
        faults.append("lacks the bill of materials of its OpenMP runtime")
    faults += [
        f"lacks the licence of {runtime}"
        for runtime in runtimes
        if RUNTIME_LICENSES[runtime] not in files
    ]
    return faults


if __name__ == "__main__":
    sys.exit(main())
