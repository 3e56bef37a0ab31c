"""The Makefile on a clean clone: what runs uv brings it along first."""

import re

from tests.house.sources import read

_TARGET = re.compile(r"^(?P<name>[a-z./-]+):(?P<needs>[^#=\n]*)(?:#.*)?\n(?P<recipe>(?:\t.*\n)*)", re.MULTILINE)


def test_whatever_runs_uv_sets_it_up_first() -> None:
    targets = {found["name"]: found for found in _TARGET.finditer(read("Makefile"))}
    assert ".tools/bin/uv" in targets["setup"]["needs"]
    users = {name for name, found in targets.items() if re.search(r"\$\((?:UV|RUN)\)", found["recipe"])}
    assert users >= {"setup", "run", "proto", "bench", "bench-quick", "test-python"}
    assert [name for name in users - {"setup"} if "setup" not in targets[name]["needs"].split()] == []


def test_every_target_is_declared() -> None:
    text = read("Makefile")
    (declared,) = re.findall(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    names = {found["name"] for found in _TARGET.finditer(text)} - {".tools/bin/uv"}
    assert set(declared.split()) == names - {".PHONY", ".DEFAULT_GOAL"}
