"""The changelog has the form that its readers expect, and the version that the packages carry has its section."""

import re
import tomllib
from datetime import date

import pytest

from tests.house.sources import read

KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
IN_PREPARATION = "in preparation"
_SECTION = re.compile(r"^## \[([^\]]+)\](?: - (.+))?$", re.MULTILINE)


def sections(text: str) -> list[tuple[str, str, str]]:
    """Tell name, day and content of each section, newest first."""
    parts = _SECTION.split(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))[1:]
    return [(name, day or "", content) for name, day, content in zip(parts[::3], parts[1::3], parts[2::3], strict=True)]


def versions() -> set[str]:
    """Tell the version as each package that is published says it."""
    project = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    workspace = tomllib.loads(read("Cargo.toml"))["workspace"]["package"]["version"]
    return {project, workspace}


def faults(text: str, version: str) -> list[str]:
    """Tell what is wrong with a changelog for a build of some version."""
    found = []
    names = [name for name, _, _ in sections(text)]
    if names[:1] != ["Unreleased"]:
        found.append("the first section is [Unreleased]")
    released = names[1:]
    if version not in released:
        found.append(f"version {version} has no section: what is new in it?")
    elif released[0] != version:
        found.append(f"{released[0]} is told, the packages say {version}")
    numbers = [
        tuple(int(part) for part in name.split(".")) for name in released if re.fullmatch(r"\d+\.\d+\.\d+", name)
    ]
    if len(numbers) != len(released) or numbers != sorted(set(numbers), reverse=True):
        found.append("sections are versions such as 1.2.3, newest first, each once")
    for place, (name, day, content) in enumerate(sections(text)[1:]):
        if day != IN_PREPARATION:
            try:
                date.fromisoformat(day)
            except ValueError:
                found.append(f"{name} needs its day (or, the newest, {IN_PREPARATION!r})")
        elif place > 0:
            found.append(f"{name} cannot be in preparation: a newer one is told")
        if not re.search(r"^- \S", content, re.MULTILINE):
            found.append(f"{name} tells nothing")
    return found


def test_the_packages_have_one_version() -> None:
    assert len(versions()) == 1


def test_the_version_has_its_section() -> None:
    (version,) = versions()
    assert faults(read("CHANGELOG.md"), version) == []


def test_entries_are_sentences_of_a_known_kind() -> None:
    for name, _, content in sections(read("CHANGELOG.md")):
        kinds = re.findall(r"^### (.+)$", content, re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds], name
        entries = re.findall(r"^- (.+)$", content, re.MULTILINE)
        assert all(entry.endswith(".") for entry in entries), name


GOOD = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Added

- A.

## [0.1.0] - 2026-11-01

- B.
"""


def test_a_good_one_passes() -> None:
    assert faults(GOOD, "0.2.0") == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("## [0.2.0] - 2026-12-01\n\n### Added\n\n- A.\n\n", ""),
        ("## [Unreleased]\n", ""),
        ("2026-12-01", "soon"),
        ("2026-11-01", IN_PREPARATION),
        ("- A.\n", ""),
        ("0.2.0", "0.3.0"),
        ("0.1.0", "0.4.0"),
    ],
)
def test_a_release_without_its_entry_is_seen(right: str, wrong: str) -> None:
    assert right in GOOD
    assert faults(GOOD.replace(right, wrong), "0.2.0")
