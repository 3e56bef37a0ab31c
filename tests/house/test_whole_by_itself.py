"""A stranger's clone has nothing beside it: no file names a place outside, the locks only public registries."""

import ast
import re
import tomllib
from pathlib import Path, PurePosixPath

from tests.house.sources import ROOT, committed, files, read, written

# In parts, so that this file does not name them either.
ELSEWHERE = tuple(
    "/".join(parts)
    for parts in (
        ("", "work", ""),
        ("..", "shared"),
        ("shared", "design"),
        ("shared", "seeds"),
        ("shared", "conformance"),
        ("shared", "research"),
        ("shared", "hooks"),
        ("", ".library"),
        ("", "root", ""),
        ("", "home", ""),
    )
)

# Places that every machine has, and examples that need not exist.
PLACES = (
    "/proc",
    "/tmp",
    "/dev",
    "/var/lib/utterson",
    "/no/such",
    "/somewhere",
    "/usr",
    "/etc",
)

ALLOWED_AT_THE_TOP = {
    ".ci",
    ".editorconfig",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "buf.yaml",
    "docs",
    "proto",
    "proto_internal",
    "pyproject.toml",
    "python",
    "rust_core",
    "rustfmt.toml",
    "tests",
    "third_party",
    "uv.lock",
}

PYTHON_HOSTS = {"pypi.org", "files.pythonhosted.org"}
RUST_REGISTRIES = {"registry+https://github.com/rust-lang/crates.io-index"}


def test_no_file_names_a_place_outside() -> None:
    found = []
    for name in files():
        text = (ROOT / name).read_bytes().decode("utf-8", errors="replace")
        found += [(name, place) for place in ELSEWHERE if place in text]
    assert not found


def test_no_test_reads_outside() -> None:
    """String literals that are absolute paths of this machine, or that climb out of the repository."""
    found = [
        f"{name}:{node.lineno} {node.value}"
        for name in written(".py")
        for node in ast.walk(ast.parse(read(name)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_outside(name, node.value)
    ]
    assert not found


def _is_outside(name: str, text: str) -> bool:
    if len(text) > 300 or "\n" in text:
        return False
    if text.startswith("/"):
        return len(text) > 1 and not text.startswith(PLACES) and Path(text).exists()
    climbs = PurePosixPath(text).parts.count("..")
    return climbs > 0 and climbs >= len(PurePosixPath(name).parts)


def test_rust_climbs_no_higher_than_the_root() -> None:
    found = [
        (name, climb)
        for name in written(".rs", "Cargo.toml")
        for climb in re.findall(r"(?:\.\./)*\.\.(?=[/\"])", read(name))
        if climb.count("..") > len(PurePosixPath(name).parts) - 1
    ]
    assert not found


def test_the_top_of_the_repository_stays_small() -> None:
    top = {PurePosixPath(name).parts[0] for name in committed()}
    assert top <= ALLOWED_AT_THE_TOP, "find it a place in a folder, or allow it here with a reason"


def test_python_lock_names_public_registries() -> None:
    text = read("uv.lock")
    hosts = set(re.findall(r'"https?://([^/"]+)', text))
    assert hosts == PYTHON_HOSTS
    sources = {tuple(sorted(package["source"])) for package in tomllib.loads(text)["package"]}
    assert sources == {("registry",), ("editable",)}


def test_rust_lock_names_public_registries() -> None:
    packages = tomllib.loads(read("Cargo.lock"))["package"]
    assert {package["source"] for package in packages if "source" in package} == RUST_REGISTRIES
    ours = {package["name"] for package in packages if "source" not in package}
    assert ours == {
        "utterson-codec",
        "utterson-core-bench",
        "utterson-engine",
        "utterson-front",
        "utterson-fuzz",
        "utterson-load",
        "utterson-protocol-model",
        "utterson-py",
        "utterson-rust-peers",
    }
