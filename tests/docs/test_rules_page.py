"""docs/rules.md is complete: every rule, every rule file, every scenario; and what it names exists."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from tests.house.sources import ROOT, files, read

PAGE = "docs/rules.md"
ENGINE = "rust_core/engine/src/"
RULES = ENGINE + "rules/"
IDS = [f"C{n}" for n in range(1, 14)] + [f"I{n}" for n in range(1, 10)] + [f"M{n}" for n in range(1, 12)]

# M10 is why the rounds of M3 end: it lives there.
WITHOUT_A_FILE = {"M10"}


@dataclass(frozen=True)
class Rule:
    """One section of the page."""

    id: str
    words: str
    source: str
    code: tuple[str, ...]
    cases: tuple[str, ...]
    without_cases: str


def _rule(section: str) -> Rule:
    head, _, rest = section.partition("\n")
    fields = dict(re.findall(r"^- (Source|Code|Cases): (.+)$", rest, re.MULTILINE))
    cases = fields.get("Cases", "")
    without = cases if cases.startswith("none; ") else ""
    return Rule(
        id=head.split()[0],
        words=rest.partition("\n- Source")[0].strip(),
        source=fields.get("Source", ""),
        code=tuple(re.findall(r"`([^`]+\.rs)`", fields.get("Code", ""))),
        cases=() if without else tuple(case.strip() for case in cases.split(",")),
        without_cases=without,
    )


SECTIONS = re.split(r"^### ", read(PAGE), flags=re.MULTILINE)[1:]
PAGE_RULES = {rule.id: rule for rule in map(_rule, (section.split("\n## ")[0] for section in SECTIONS))}


def scenario_ids() -> set[str]:
    ids: set[str] = set()
    for name in files():
        if name.startswith("tests/conformance/") and name.endswith(".yaml"):
            ids |= set(re.findall(r"^- id: (\S+)$", read(name), re.MULTILINE))
    return ids


def rule_files() -> set[str]:
    """Tell the files that are a rule's own: named by a rule's id."""
    names = {name.removeprefix(RULES) for name in files() if name.startswith(RULES)}
    return {name for name in names if re.fullmatch(r"[cim]\d+_\w+\.rs", PurePosixPath(name).name)}


def id_of(file: str) -> str:
    """Tell the id that a rule file's name begins with: merge/m3_1_merges.rs -> M3.1."""
    found = re.match(r"([cim])(\d+)(?:_(\d+))?_", PurePosixPath(file).name)
    assert found
    letter, number, part = found.groups()
    return letter.upper() + number + (f".{part}" if part else "")


def test_every_rule_is_there_in_order() -> None:
    assert list(PAGE_RULES) == IDS


@pytest.mark.parametrize("rule", PAGE_RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_is_complete(rule: Rule) -> None:
    assert rule.words
    assert rule.source
    assert rule.code
    assert all((ROOT / ENGINE / file).is_file() for file in rule.code), rule.code
    assert rule.cases or rule.without_cases
    assert set(rule.cases) <= scenario_ids()
    for place in re.findall(r"`(tests/[^`]+)`", rule.without_cases):
        assert (ROOT / place).exists(), place
    own = {file for file in rule_files() if id_of(file).split(".")[0] == rule.id}
    assert {f"rules/{file}" for file in own} <= set(rule.code)
    assert own or rule.id in WITHOUT_A_FILE


def test_every_file_of_the_rules_is_named() -> None:
    page = read(PAGE)
    beside = {name.removeprefix(ENGINE) for name in files() if name.startswith(RULES)}
    unnamed = {name for name in beside if PurePosixPath(name).name != "tests.rs" and f"`{name}`" not in page}
    assert not unnamed


def test_every_scenario_shows_a_rule() -> None:
    named = {case for rule in PAGE_RULES.values() for case in rule.cases}
    assert scenario_ids() - named == set()
    assert len(named) >= 80


@pytest.mark.parametrize("file", sorted(rule_files()))
def test_a_rule_file_opens_with_its_rule_and_source_and_has_tests(file: str) -> None:
    text = read(RULES + file)
    head = "\n".join(line[3:].strip() for line in text.splitlines() if line.startswith("//!"))
    assert re.match(rf"{re.escape(id_of(file))}\b", head)
    assert re.search(r"^Source: \S", head, re.MULTILINE), "say where the rule comes from"
    assert "#[cfg(test)]" in text, "a rule has its tests beside it"
