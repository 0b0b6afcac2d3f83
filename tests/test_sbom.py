"""The bill of materials that wheels for macOS and Windows get (PEP 770)."""

import base64
import csv
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "tools"))
add_sbom = pytest.importorskip("add_sbom")

INFO = "cyrelu-1.2.dist-info"
LIBRARIES = {
    "libomp": ("cyrelu/.dylibs/libomp.dylib", "libomp", "Apache-2.0 WITH LLVM-exception"),
    "vcomp": ("cyrelu.libs/vcomp140-0a1b.dll", "vcomp140", "Microsoft Visual C++ redistributable"),
}


def wheel_with(folder, *names):
    path = folder / "cyrelu-1.2-cp313-cp313-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
        archive.writestr(f"{INFO}/RECORD", f"{INFO}/RECORD,,\n")
    return path


@pytest.mark.parametrize(("file", "name", "licence"), LIBRARIES.values(), ids=LIBRARIES)
def test_names_the_runtime(tmp_path, file, name, licence):
    path = wheel_with(tmp_path, "cyrelu/__init__.py", file)
    add_sbom.main(tmp_path)
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None
    written = archive.read(f"{INFO}/sboms/openmp.cdx.json")
    [component] = json.loads(written)["components"]
    assert component["name"] == name
    assert licence in json.dumps(component["licenses"])
    assert component["hashes"][0]["content"] == hashlib.sha256(file.encode()).hexdigest()

    rows = csv.reader(io.StringIO(archive.read(f"{INFO}/RECORD").decode()))
    recorded = {row[0]: row[1:] for row in rows}
    digest = base64.urlsafe_b64encode(hashlib.sha256(written).digest()).rstrip(b"=").decode()
    assert recorded[f"{INFO}/sboms/openmp.cdx.json"] == [f"sha256={digest}", str(len(written))]
    assert archive.namelist()[-1] == f"{INFO}/RECORD"


def test_a_wheel_without_a_runtime_stays_as_it_is(tmp_path):
    path = wheel_with(tmp_path, "cyrelu/__init__.py")
    before = path.read_bytes()
    add_sbom.main(tmp_path)
    assert path.read_bytes() == before
