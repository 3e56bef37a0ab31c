"""The server's source distribution: it is built with the very crates of the lock file, and needs nothing beside it."""

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def packages(lock: Path) -> dict[tuple[str, str], Any]:
    """Read a lock file of cargo: each crate's checksum by name and version; none for one of ours."""
    found = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in found}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "maturin", "sdist", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def test_it_takes_the_crates_of_the_lock_and_no_others(unpacked: Path) -> None:
    """Cargo leaves out of the lock what only the benchmarks need; it may change nothing else."""
    shipped = unpacked / "Cargo.lock"
    assert shipped.read_bytes() == (ROOT / "Cargo.lock").read_bytes()
    command = ["cargo", "update", "--workspace", "--offline"]
    subprocess.run(command, check=True, capture_output=True, cwd=unpacked)
    whole, used = packages(ROOT / "Cargo.lock"), packages(shipped)
    assert used.items() <= whole.items()
    ours = {name for (name, _), checksum in used.items() if checksum is None}
    assert ours == {"utterson-engine", "utterson-codec", "utterson-front", "utterson-py"}


@pytest.mark.parametrize("folder", ["proto", "proto_internal", "third_party", "rust_core", "python"])
def test_it_holds_every_source(unpacked: Path, folder: str) -> None:
    kinds = {".rs", ".proto", ".py", ".pyi", ".sql", ".toml", ".binpb", ".yaml"}
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git here to tell which files are sources")
    wanted = {name for name in listed.stdout.splitlines() if Path(name).suffix in kinds}
    missing = {name for name in wanted if not (unpacked / name).is_file()}
    # Of the repository only: the generator and what it is compared with, and the client's own project.
    images = {name for name in missing if name.startswith("proto/image-")}
    assert missing <= {"proto/generate.py", "python/pyproject.toml"} | images
