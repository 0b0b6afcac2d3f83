"""How many processors the control group (a container, a systemd unit, a batch job) grants.

Files that are missing, may not be read or make no sense grant all processors: nothing here raises.
Content and paths are bytes, as the kernel has them: there is no encoding to be wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

MAX_QUOTA = 2**31 - 1  # a C int; more processors than that are no limit


def cpu_quota(root: str | os.PathLike[str] = "/") -> int | None:
    """Return the processors granted by the tightest cgroup quota, rounded up.

    None where there is no quota or no cgroup at all (macOS, Windows, a bare machine).
    """
    quotas = [_quota(group) for group in _groups(os.fsencode(root))]
    return min((quota for quota in quotas if quota is not None), default=None)


def _groups(root: bytes) -> Iterator[bytes]:
    """The cgroup folders this process is in, each with the parents that limit it too."""
    for line in _read(os.path.join(root, b"proc/self/cgroup")).split(b"\n"):
        fields = line.split(b":", 2)
        if len(fields) < 3 or (fields[1] and b"cpu" not in fields[1].split(b",")):
            continue
        # In a container's own namespace the path may lead outside of what is mounted; the
        # mount point itself, the first of the parents, is then the container's group.
        group = os.path.join(root, b"sys/fs/cgroup", fields[1])
        yield group
        for name in filter(None, fields[2].split(b"/")):
            group = os.path.join(group, name)
            yield group


def _quota(group: bytes) -> int | None:
    """Quota over period, from version 2's cpu.max or version 1's cfs files."""
    text = _read(os.path.join(group, b"cpu.max")) or b" ".join(
        _read(os.path.join(group, b"cpu.cfs_%s_us" % name)) for name in (b"quota", b"period")
    )
    try:
        quota, period = map(int, text.split())
    except ValueError:  # "max 100000": no limit; or no such file
        return None
    if quota <= 0 or period <= 0:
        return None
    processors = -(-quota // period)
    return processors if processors <= MAX_QUOTA else None


def _read(path: bytes) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return b""
