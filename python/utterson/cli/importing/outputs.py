"""Files that an import writes: whole or not at all, and never one that it reads."""

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from utterson.cli.importing.records import ImportFileError

READ_TOO: Final = "is one of the files that are read: it would be lost; name another one"
WRITTEN_TWICE: Final = "is named twice: name another file for the ids"


class OutputFile:
    """Writes beside a file, and takes its place at the end, also at a fault; a device is written to at once.

    Args:
        path: the file to write.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._target = path.resolve()
        is_special = self._target.exists() and not self._target.is_file()
        # Hidden, so that an import of the folder leaves it alone.
        self.part = self._target if is_special else self._target.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self.text: IO[str] = self.part.open("w", encoding="utf-8", newline="")
        except OSError as error:
            error.filename = str(path)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.text.close()
        except OSError as fault:
            # What a full disk says names no file.
            fault.filename = str(self._target)
            if self.part != self._target:
                self.part.unlink(missing_ok=True)
            raise
        if self.part != self._target:
            self.part.replace(self._target)


def require_apart(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Look whether what is written is nothing that is read.

    Args:
        outputs: what is written.
        inputs: what is read.

    Raises:
        ImportFileError: a file is both, or is written twice.
    """
    named = [path for path in outputs if path is not None]
    read = [path for path in inputs if path.is_file()]
    for path in named:
        if path.is_file() and any(path.samefile(one) for one in read):
            raise ImportFileError(f"{path}: {READ_TOO}")
    if len({path.resolve() for path in named if not path.exists() or path.is_file()}) < sum(
        not path.exists() or path.is_file() for path in named
    ):
        raise ImportFileError(f"{named[0]}: {WRITTEN_TWICE}")
