"""How much memory there is: what settings without a value take their share of."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

# What a container may use, in either version of control groups; "max" and huge numbers mean the whole machine.
_LIMIT_FILES: Final = {"cgroup2": "memory.max", "cgroup": "memory.limit_in_bytes"}


@cache
def machine_bytes() -> int:
    """Tell how much memory this machine, or the container that it is, has."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    except OSError:
        return found[0]
    for limit in container_limits(mounts):
        with suppress(OSError):
            text = limit.read_text(encoding="ascii").strip()
            found += [int(text)] if text.isdigit() else []
    return min(found)


def container_limits(mounts: str) -> list[Path]:
    """Tell which files may hold a container's limit of memory; `mounts` is the kernel's table of mounts."""
    limits = []
    for line in mounts.splitlines():
        place, _, kind = line.partition(" - ")
        fields, kind_fields = place.split(" "), kind.split(" ")
        if kind_fields[0] in _LIMIT_FILES:
            limits.append(Path(fields[4]) / _LIMIT_FILES[kind_fields[0]])
    return limits
