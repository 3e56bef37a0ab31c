"""The fenced blocks of a document, in order: what to run, what must come of it, and files to save.

A block's info string says what it is: `bash run` and `python run` are run, `json answer` and `text answer` are what the
run before them must say, `yaml file=NAME` is saved under that name.
"""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, what is to be done with it, its text and where it begins."""

    language: str
    role: str
    text: str
    line: int

    @property
    def file_name(self) -> str:
        """The name to save it under; empty for none."""
        return self.role.removeprefix("file=") if self.role.startswith("file=") else ""


def blocks_of(document: str) -> list[Block]:
    """Find the blocks of a document."""
    found = []
    for fence in _FENCE.finditer(document):
        language, _, role = fence["info"].strip().partition(" ")
        found.append(Block(language, role.strip(), fence["text"], document.count("\n", 0, fence.start()) + 1))
    return found


def runs_of(blocks: list[Block]) -> list[tuple[Block, Block | None]]:
    """Pair what is run, or saved, with the answer that follows it, if one does."""
    pairs: list[tuple[Block, Block | None]] = []
    for block in blocks:
        if block.role == "answer":
            before, answer = pairs[-1]
            assert answer is None, f"line {block.line}: a second answer to the block in line {before.line}"
            pairs[-1] = (before, block)
        elif block.role:
            assert block.role == "run" or block.file_name, f"line {block.line}: what is {block.role}?"
            pairs.append((block, None))
    return pairs
