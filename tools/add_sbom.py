"""Adds the bill of materials of the OpenMP runtime to the wheels of a folder that bring one along.

    python tools/add_sbom.py wheelhouse

PEP 770, in CycloneDX's format. auditwheel writes one itself, of what the system's package manager
knows; delocate and delvewheel do not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path

LIBRARY_FOLDERS = ("cyrelu.libs", ".dylibs")
BUILD_LIBOMP = Path(__file__).resolve().parent / "build-libomp"
NAME = "sboms/openmp.cdx.json"


def main(folder: str) -> None:
    for wheel in sorted(Path(folder).glob("*.whl")):
        add_sbom(wheel)


def add_sbom(wheel: Path) -> None:
    """Rewrite the wheel with the file and its line in RECORD."""
    with zipfile.ZipFile(wheel) as archive:
        files = [(info, archive.read(info)) for info in archive.infolist()]
    libraries = {
        Path(info.filename).name: content
        for info, content in files
        if Path(info.filename).parent.name in LIBRARY_FOLDERS
    }
    if not libraries:
        return
    record = next(info.filename for info, _ in files if info.filename.endswith("/RECORD"))
    target = record.replace("RECORD", NAME)
    version = wheel.name.split("-")[1]
    added = json.dumps(sbom(version, libraries), indent=2).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in files:
            if info.filename == record:
                archive.writestr(target, added)
                content += f"{target},sha256={digest(added)},{len(added)}\n".encode()
            archive.writestr(info, content)


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def sbom(version: str, libraries: dict[str, bytes]) -> dict:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": "cyrelu", "version": version}},
        "components": [component(name, content) for name, content in libraries.items()],
    }


def component(file: str, content: bytes) -> dict:
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
    described = {
        "type": "library",
        "hashes": hashes,
        "properties": [{"name": "file", "value": file}],
    }
    if file.startswith("libomp"):
        [version] = re.findall("^version=(.*)$", BUILD_LIBOMP.read_text(), re.MULTILINE)
        llvm = {"expression": "Apache-2.0 WITH LLVM-exception"}
        return described | {"name": "libomp", "version": version, "licenses": [llvm]}
    microsoft = {"license": {"name": "Microsoft Visual C++ redistributable"}}
    return described | {"name": file.split("-")[0], "licenses": [microsoft]}


if __name__ == "__main__":
    main(sys.argv[1])
