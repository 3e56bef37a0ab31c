"""Which files are meant by what was given: one, all of a folder, or those that fit a pattern."""

import glob
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from utterson.cli.importing.records import ImportFileError

NOT_READ: Final = "there is no file"
NOTHING: Final = "name a file, a folder or a pattern: nothing was given"
DANGLING: Final = "is a link to nothing"
NO_FILE: Final = "is no file that can be read from its beginning again: write what it gives into a file first"
_HIDDEN: Final = (".", "_")
_WITH: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Args:
        files: what is read, in the order of their names, character by character.
        skipped: what is not, each with why.
    """

    files: Sequence[Path]
    skipped: Sequence[str]


def files_of(given: str) -> Found:
    """Find the files that are meant.

    Hidden ones, and all that is in hidden folders, are left out: names that begin with a dot or an underscore, as other
    programs keep their own there. What is named as such is read whatever its name.

    Raises:
        ImportFileError: there is none, or what was named cannot be read.
    """
    if not given:
        raise ImportFileError(NOTHING)
    path = Path(given)
    if path.is_file():
        return Found([path], ())
    if path.is_dir():
        found, skipped = _below(path)
    elif path.exists():
        raise ImportFileError(f"{given}: {NO_FILE}")
    elif path.is_symlink():
        raise ImportFileError(f"{given}: {DANGLING}")
    else:
        found, skipped = _fitting(given)
    files: list[Path] = []
    for one in sorted(found):
        _sort_in(one, files, skipped)
    if not files:
        left_out = f"; left out: {', '.join(skipped)}" if skipped else ""
        raise ImportFileError(f"{given}: {NOT_READ}{left_out}")
    return Found(files, skipped)


def _sort_in(path: Path, files: list[Path], skipped: list[str]) -> None:
    if path.is_file():
        files.append(path)
    elif path.is_symlink() and not path.exists():
        skipped.append(f"{path} {DANGLING}")
    elif not path.is_dir():
        skipped.append(f"{path} is no file")


def _below(folder: Path) -> tuple[list[Path], list[str]]:
    found: list[Path] = []
    skipped: list[str] = []
    unread: Callable[[OSError], None] = lambda error: skipped.append(f"{error.filename} cannot be read")  # noqa: E731
    for at, folders, names in os.walk(folder, onerror=unread):
        here = Path(at)
        for name in sorted(folders):
            if name.startswith(_HIDDEN):
                skipped.append(f"{here / name} is a hidden folder")
            elif (here / name).is_symlink():
                # It may lead back to here, or to the same files a second time.
                skipped.append(f"{here / name} is a link to a folder")
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN)]
        for name in names:
            if name.startswith(_HIDDEN):
                skipped.append(f"{here / name} is hidden")
            else:
                found.append(here / name)
    return found, skipped


def _fitting(pattern: str) -> tuple[list[Path], list[str]]:
    # What stands before the first sign of a pattern was named as such.
    named = 0
    for part in Path(pattern).parts:
        if _WITH.search(part):
            break
        named += 1
    found: list[Path] = []
    skipped: list[str] = []
    # A pattern may be absolute, which those of pathlib may not.
    for one in map(Path, glob.iglob(pattern, recursive=True, include_hidden=True)):  # noqa: PTH207
        asked = Path(pattern).parts[named:]
        hidden = [part for part in one.parts[named:] if part.startswith(_HIDDEN)]
        if hidden and not any(part.startswith(_HIDDEN) for part in asked):
            if not one.is_dir():
                skipped.append(f"{one} is hidden")
        else:
            found.append(one)
    return found, skipped
