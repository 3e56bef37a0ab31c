"""The repository's own files, told apart from what is ignored and what is generated."""

import fnmatch
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Written by programs: `proto/generate.py` and the lock tools.
_GENERATED = ("python/utterson/v1/", "python/utterson/internal/v1/")
_LOCKS = ("uv.lock", "Cargo.lock")
# Copied from others, unchanged.
_OF_OTHERS = ("third_party/",)


@cache
def files() -> tuple[str, ...]:
    """Every file of the repository that is not ignored, by its path from the root, committed or not."""
    return tuple(sorted(_walk()))


@cache
def committed() -> tuple[str, ...]:
    """Every committed file; where there is no git, every file."""
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return files()
    return tuple(listed.stdout.splitlines())


def written(*suffixes: str) -> list[str]:
    """Tell the files with one of these endings that people write and own."""
    return [
        name
        for name in files()
        if name.endswith(suffixes) and not name.startswith((*_GENERATED, *_OF_OTHERS)) and name not in _LOCKS
    ]


def read(name: str) -> str:
    """Read a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def _walk() -> Iterator[str]:
    ignored = [".git", *(line.rstrip("/") for line in read(".gitignore").split("\n") if line and line[0] != "#")]

    def is_ignored(name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in ignored)

    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in names:
            if not is_ignored(name):
                yield (Path(folder) / name).relative_to(ROOT).as_posix()
