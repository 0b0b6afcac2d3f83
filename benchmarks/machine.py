"""The machine and the software, as one line and as a dictionary."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cyrelu

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def describe(versions: dict[str, str], threads: int) -> dict[str, Any]:
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "caches": caches(),
        "transparent huge pages": huge_pages(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(("OMP_", "GOMP_", "KMP_", "CYRELU_"))
        },
        "cyrelu": cyrelu.show_config("dicts"),
    }


def line(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    build = machine["cyrelu"]["build"]
    parts = [
        f"{machine['processor']}, {machine['cores']} cores",
        f"{machine['threads']} threads at most",
        caches,
        f"huge pages {machine['transparent huge pages']}",
        machine["system"],
        build["compiler"],
        f"Cython {build['cython']}",
        f"loops for {machine['cyrelu']['instruction_set']['in_use']}",
        f"Python {machine['python']}",
        versions,
    ]
    return "; ".join(part for part in parts if part)


def slug(machine: dict[str, Any]) -> str:
    """A name for files: intel-xeon-processor-2-threads."""
    words = re.sub(r"\((R|TM)\)|@.*|CPU", " ", machine["processor"]).lower()
    return "-".join([*re.findall(r"[a-z0-9]+", words), str(machine["threads"]), "threads"])


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def caches() -> dict[str, str]:
    """Sizes by name (L1d, L1i, L2, L3), as far as the system reports them."""
    found = {}
    for folder in sorted(CACHES.glob("index*")):
        level, kind, size = (
            (folder / name).read_text().strip() for name in ("level", "type", "size")
        )
        suffix = "" if kind == "Unified" else kind[0].lower()
        found[f"L{level}{suffix}"] = size
    return found


def huge_pages() -> str:
    try:
        found = re.search(r"\[(\w+)\]", HUGE_PAGES.read_text())
    except OSError:
        return "unknown"
    return found[1] if found else "unknown"


@dataclass
class OtherPrograms:
    """The share of processor time that other programs used since this object was created."""

    start: tuple[float, float] | None = field(default_factory=lambda: busy_seconds())

    def share(self) -> float | None:
        """From 0 to 1; None if the system does not report it."""
        now = busy_seconds()
        if self.start is None or now is None or now[1] == self.start[1]:
            return None
        return max(0, (now[0] - self.start[0]) / (now[1] - self.start[1]))


def busy_seconds() -> tuple[float, float] | None:
    """The processor time of other programs, and the total including idle time."""
    try:
        first = Path("/proc/stat").read_text().splitlines()[0]
    except OSError:
        return None
    seconds = [int(text) / os.sysconf("SC_CLK_TCK") for text in first.split()[1:9]]
    idle = seconds[3] + seconds[4]
    own = sum(os.times()[:4])
    return sum(seconds) - idle - own, sum(seconds)


def free_memory() -> float:
    """Bytes available without swapping; infinity if the system does not report them."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB$", Path("/proc/meminfo").read_text(), re.M)
    except OSError:
        return float("inf")
    return int(found[1]) * 1024 if found else float("inf")
