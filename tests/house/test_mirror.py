"""Whoever changes a file of the use cases finds its tests by its name, and a test that fails names the file."""

from pathlib import PurePosixPath
from typing import Final

from tests.house.sources import written

CODE: Final = PurePosixPath("python/utterson/application")
TESTS: Final = PurePosixPath("tests/application")

# Files without behaviour of their own, and why.
WITHOUT_BEHAVIOUR: Final = {
    "lane/receiver.py": "a protocol",
    "lane/context.py": "what lanes share, as a dataclass",
    "ports/engine.py": "protocols",
    "ports/process.py": "protocols",
    "ports/store.py": "protocols",
}

# Folders of tests without a folder of code, and why.
OF_ALL_FILES: Final = {
    "whole": "the use cases together with the real engine, which no single file can show",
}


def code_files() -> set[str]:
    """Tell the files that need tests, by their paths in the package."""
    names = {_within(CODE, name) for name in written(".py")}
    return {name for name in names if name is not None and not name.endswith("__init__.py")}


def files_of_tests() -> set[str]:
    """Tell the files of tests that must be named after one of the code, by their paths in their folder."""
    names = {_within(TESTS, name) for name in written(".py")}
    return {
        name
        for name in names
        if name is not None
        and PurePosixPath(name).name.startswith("test_")
        and PurePosixPath(name).parts[0] not in OF_ALL_FILES
    }


def proved_by(test_file: str, code: set[str]) -> str | None:
    """Tell which file a file of tests is named after: `test_lane.py` and `test_lane_hits.py` after `lane.py`.

    Where several fit, the one with the longest name: `test_profile_reading.py` does not prove a `profile.py`.
    """
    path = PurePosixPath(test_file)
    words = path.stem.removeprefix("test_").split("_")
    for count in range(len(words), 0, -1):
        name = path.with_name("_".join(words[:count]) + ".py").as_posix()
        if name in code:
            return name
    return None


def test_every_file_of_tests_is_named_after_a_file() -> None:
    code = code_files()
    nameless = sorted(name for name in files_of_tests() if proved_by(name, code) is None)
    assert not nameless, f"name these after the files that they prove: {nameless}"


def test_every_file_has_its_tests() -> None:
    code = code_files()
    assert len(code) > 20, "the list of files is wrong"
    proved = {proved_by(name, code) for name in files_of_tests()}
    unproved = sorted(code - proved - set(WITHOUT_BEHAVIOUR))
    assert not unproved, f"these have no tests of their own: {unproved}"


def test_the_exceptions_are_true() -> None:
    code, folders = code_files(), {PurePosixPath(name).parts[0] for name in code_files()}
    proved = {proved_by(name, code) for name in files_of_tests()}
    assert set(WITHOUT_BEHAVIOUR) <= code - proved
    assert not folders & set(OF_ALL_FILES)


def test_a_file_of_tests_belongs_to_the_longest_name_that_fits() -> None:
    code = {"lane/lane.py", "lane/lanes.py", "profile.py", "profile_reading.py"}
    named = ("lane/test_lane.py", "lane/test_lane_hits.py", "lane/test_lanes.py", "test_profile_reading.py")
    assert [proved_by(name, code) for name in named] == [
        "lane/lane.py", "lane/lane.py", "lane/lanes.py", "profile_reading.py",
    ]  # fmt: skip
    assert proved_by("test_lane.py", code) is None


def _within(folder: PurePosixPath, name: str) -> str | None:
    path = PurePosixPath(name)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None
