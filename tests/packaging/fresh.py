"""A fresh virtual environment that holds one wheel and what that wheel asks for, copied from this environment.

So nothing is fetched: the versions are those of the lock file.
"""

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


class FreshEnvironment:
    """A virtual environment without anything but pip, until a wheel is installed.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"
        (self._packages,) = folder.glob("lib/python*/site-packages")

    def run(self, *arguments: str) -> str:
        """Run its interpreter, blind to this environment, and return what it prints."""
        command = [str(self.python), "-I", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def install(self, wheel: Path) -> set[str]:
        """Install a wheel by pip, and all that it asks for; return the names of what it asked for."""
        self.run("-m", "pip", "install", "--no-index", "--no-deps", "--quiet", str(wheel))
        (metadata,) = self._packages.glob(f"{wheel.name.split('-')[0]}-*.dist-info")
        needed = {canonicalize_name(found.name): found for found in _needs(Distribution.at(metadata))}
        for found in needed.values():
            self._copy(found)
        # It looks at every distribution there: none may ask for one that is missing or too old.
        self.run("-m", "pip", "check")
        return set(needed)

    def _copy(self, found: Distribution) -> None:
        """Copy a distribution's files but for its scripts, which stand outside of the packages."""
        for file in found.files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            target = self._packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(found.locate_file(file)), target)


def build_client(folder: Path) -> Path:
    """Build the wheel of `utterson-client` from this tree."""
    project = Path(__file__).resolve().parents[2] / "python"
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=project)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _needs(asking: Distribution) -> Iterator[Distribution]:
    """Tell all that a distribution asks for, directly or not, extras left out."""
    for text in asking.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found = distribution(requirement.name)
            yield found
            yield from _needs(found)
