"""C3: the named lists of the core, which say more words than the rule, block what the model's do, and nobody real."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from tests.model import dirt
from tests.model.lists import PLACEHOLDERS, BlockedList

FOLDER = Path(__file__).parents[2] / "rust_core" / "engine" / "src" / "policy" / "lists"
WRITTEN_SEPARATORS = " -.:/()_"
SOMEBODY = (
    *dirt.SOMEBODY,
    *(word + "x" for word in PLACEHOLDERS),
    *("x" + word for word in PLACEHOLDERS if word != "0"),
    "nadia",
    "trueman",
    "guest.house@example.com",
    "anonymous@example.com",
    "100",
    "0a0",
    "1",
    "22222",
    "2222221",
    "+16082719000",
)


def core_patterns(name: BlockedList) -> list[re.Pattern[str]]:
    """Read a list: one entry a line, an expression, a tab and the reason; lines that begin with # are for people."""
    patterns = []
    for line in (FOLDER / f"{name.name.lower()}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            expression, reason = line.split("\t")
            assert reason.strip(), f"{name.name}: no reason for {expression}"
            patterns.append(re.compile(re.sub(r"\$$", r"\\Z", expression)))
    return patterns


def probes() -> list[str]:
    """Values that a list may block: words in any case, and zeros and other digits with what is written between them."""
    source = Random("lists")
    found = [*dirt.NOBODY, *PLACEHOLDERS, *(word.upper() for word in PLACEHOLDERS)]
    found.extend(word.title() for word in PLACEHOLDERS)
    for _ in range(2000):
        digits = source.choice(("0", "1", "7", "01", "12")) * source.randint(1, 9)
        often = source.choice((0.0, 0.2, 0.5))
        found.append(
            "".join(digit + (source.choice(WRITTEN_SEPARATORS) if source.random() < often else "") for digit in digits)
        )
    return [text.strip() for text in found]


@pytest.mark.parametrize("name", BlockedList)
def test_core_and_model_block_the_same(name: BlockedList) -> None:
    ours, theirs = name.patterns, core_patterns(name)
    for text in probes():
        both = [any(pattern.search(text) for pattern in patterns) for patterns in (ours, theirs)]
        more_words = name is BlockedList.PLACEHOLDERS and not re.search("[a-z]", text, re.IGNORECASE)
        assert both[0] == both[1] or (more_words and both[1]), f"{name.name}: {text!r} {both}"


@pytest.mark.parametrize("name", BlockedList)
@pytest.mark.parametrize("text", SOMEBODY)
def test_nobody_real_is_blocked(name: BlockedList, text: str) -> None:
    for patterns in (name.patterns, core_patterns(name)):
        assert not any(pattern.search(text) for pattern in patterns)
