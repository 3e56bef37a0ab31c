"""Ids in comments and documents lead somewhere: rules, goals, profiles of scenarios, decisions.

A letter and a number in a comment is an id that somebody will look for. `docs/rules.md` has the rules (C7, I5, M3.2),
`benchmarks/goals.toml` the goals (G1), a scenario's profiles are P1, P2, … (`docs/scenarios.md`); there are no others.
What means no rule gets a plain word, or a link to its decision.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache

import pytest

from tests.docs.blocks import blocks_of
from tests.house.sources import files, read, written

_ID = re.compile(r"(?<![\w.+#/'\"$])[A-Z]\d{1,2}(?:\.\d)?(?![\w'\"]|\.\w)")
_RULE_OR_RULES = re.compile(r"\brules? (?:[CIM]\d+(?:\.\d)?(?:, | and | to |\u2013)?)+")
_DECISION = re.compile(r"\bdecisions? \[?(\d{4})\b|\bdecisions/(\d{4}[\w-]*)")
_DOCUMENT = re.compile(r"\b(?:docs|benchmarks)/[\w/-]+\.(?:md|toml)\b")

_LINE_COMMENTS = {
    ".rs": re.compile(r"(?:^|\s)//[/!]?(.*)$"),
    ".proto": re.compile(r"(?:^|\s)//(.*)$"),
    ".sql": re.compile(r"(?:^|\s)--(.*)$"),
    ".toml": re.compile(r"(?:^|\s)#(.*)$"),
    "Makefile": re.compile(r"(?:^|\s)#(.*)$"),
}
KINDS = (".py", ".pyi", ".md", *_LINE_COMMENTS)
# Who reads here need not know what C7 is: "rule C7" says where to look. Elsewhere rules are the subject.
SAY_RULE = ("python/utterson/", "benchmarks/harness/")


def comments(name: str) -> Iterator[tuple[int, str]]:
    """Tell what a file says to people, by line: comments and docstrings; of a document all but its fenced blocks."""
    text = read(name)
    if name.endswith((".py", ".pyi")):
        yield from _python_comments(text)
    elif name.endswith(".md"):
        for block in blocks_of(text):
            text = text.replace(block.text, "\n" * block.text.count("\n"))
        yield from enumerate(text.splitlines(), start=1)
    else:
        (pattern,) = (pattern for suffix, pattern in _LINE_COMMENTS.items() if name.endswith(suffix))
        for number, line in enumerate(text.splitlines(), start=1):
            if found := pattern.search(line):
                yield number, found[1]


def _python_comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (docstring := ast.get_docstring(node, clean=False)) is not None:
            yield from enumerate(docstring.splitlines(), start=node.body[0].lineno)


@cache
def known() -> frozenset[str]:
    """Every rule, every part of M3, every goal."""
    page = read("docs/rules.md")
    rules = re.findall(r"^### ([CIM]\d+) ", page, re.MULTILINE)
    parts = re.findall(r"\((M3\.\d)\)", page)
    goals = re.findall(r'^id = "(G\d+)"', read("benchmarks/goals.toml"), re.MULTILINE)
    return frozenset([*rules, *parts, *goals])


@cache
def decisions() -> frozenset[str]:
    """Every decision, by number and by the name of its file."""
    names = [name.split("/")[-1].removesuffix(".md") for name in files() if name.startswith("docs/decisions/")]
    return frozenset([*names, *(name[:4] for name in names)])


def unknown_ids(text: str) -> list[str]:
    return [found for found in _ID.findall(text) if found not in known() and not re.fullmatch(r"P\d+", found)]


def bare_rules(text: str) -> list[str]:
    """Tell the rules that are named without the word."""
    return [found for found in _ID.findall(_RULE_OR_RULES.sub("", text)) if found[0] in "CIM"]


def unknown_decisions(text: str) -> list[str]:
    return [number or name for number, name in _DECISION.findall(text) if (number or name) not in decisions()]


def faults(name: str) -> list[str]:
    """Tell what leads nowhere in a file, with the line."""
    found: list[str] = []
    for number, text in comments(name):
        lost = unknown_ids(text) + unknown_decisions(text)
        lost += [path for path in _DOCUMENT.findall(text) if path not in files() and not name.endswith(".md")]
        if name.startswith(SAY_RULE):
            lost += [f"{rule}: say rule {rule}" for rule in bare_rules(text)]
        found += [f"{name}:{number} {what}" for what in lost]
    return found


def test_every_id_resolves() -> None:
    named = [name for name in written(*KINDS) if not name.startswith("tests/conformance/")]
    assert len(named) > 300, "the list of files is wrong"
    assert [fault for name in named for fault in faults(name)] == []


def test_what_is_known() -> None:
    assert {"C10", "I9", "M11", "M3.4", "G15"} <= known()
    assert {"0003", "0003-commit-protocol"} <= decisions()


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("reads never keep a commit waiting (F26).", ["F26"]),
        ("C14 and C7, M3.5 and M3.4, I0", ["C14", "M3.5", "I0"]),
        ('E.164, U+0000, UTF-8, HTTP/2, UT001, "V1", v1, P12 are no ids of ours; M1\u2013M10 are', []),
    ],
)
def test_what_leads_nowhere_is_seen(text: str, lost: list[str]) -> None:
    assert unknown_ids(text) == lost


def test_a_rule_without_the_word_is_seen() -> None:
    assert bare_rules("a repeat (rule C7), rules C1 to C6, rules I3 and I4") == []
    assert bare_rules("the row is locked first (C3)") == ["C3"]


def test_a_decision_that_is_not_there_is_seen() -> None:
    assert unknown_decisions("decision 0003, docs/decisions/0099-later.md, decision 0098") == ["0099-later", "0098"]
