"""How many processors the control group (a container, a systemd unit, a batch job) grants."""

from __future__ import annotations

import math
from pathlib import Path


def cpu_quota(root: str | Path = "/") -> int | None:
    """Return the processors granted by the tightest cgroup quota, rounded up.

    None where there is no quota or no cgroup at all (macOS, Windows, a bare machine).
    """
    root = Path(root)
    quotas = [quota for group in _groups(root) if (quota := _quota(group)) is not None]
    return max(1, math.ceil(min(quotas))) if quotas else None


def _groups(root: Path) -> list[Path]:
    """The cgroup folders this process is in, each with the parents that limit it too."""
    groups = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container's own namespace the path may lead outside of what is mounted; the
        # mount point itself, the last of the parents, is then the container's group.
        mount = root / "sys/fs/cgroup" / controllers
        group = mount / path.lstrip("/")
        groups += [folder for folder in (group, *group.parents) if folder.is_relative_to(mount)]
    return groups


def _quota(group: Path) -> float | None:
    """Quota over period, from version 2's cpu.max or version 1's cfs files."""
    text = _read(group / "cpu.max") or " ".join(
        _read(group / f"cpu.cfs_{name}_us") for name in ("quota", "period")
    )
    try:
        quota, period = map(float, text.split())
    except ValueError:  # "max 100000": no limit; or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
