"""Plays a document against a server, block by block, as its reader would."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.cli.processes import COMMAND, environment
from tests.docs.blocks import Block
from tests.grpcurl import say

ADDRESS = "127.0.0.1:50051"
# Profile ids differ in every workspace: a document's id stands for the one that the server gave in its place.
_ID = re.compile(r"\b\d{12,16}\b")
TIMEOUT_S = 60


class Reader:
    """Somebody who does what a document says.

    Args:
        address: the server to use in place of the document's.
        folder: where files are saved and commands run.
    """

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address
        self._folder = folder
        self._ids: dict[str, str] = {}

    def follow(self, block: Block, answer: Block | None) -> str:
        """Run or save a block; tell where what comes of it differs from the answer, empty where it does not."""
        text = self._in_place(block.text)
        if block.file_name:
            (self._folder / block.file_name).write_text(text, encoding="utf-8")
            return ""
        said = self._run(block.language, text)
        if answer is None:
            return "it was refused: " + said if re.search(r"^(ERROR|Code):?", said, re.MULTILINE) else ""
        if answer.language == "json":
            return self._json_difference(json.loads(answer.text), _json_of(said))
        return _text_difference(answer.text, said)

    def _in_place(self, text: str) -> str:
        text = text.replace(ADDRESS, self._address)
        return _ID.sub(lambda found: self._ids.get(found.group(), found.group()), text)

    def _run(self, language: str, text: str) -> str:
        if language == "python":
            return self._process([sys.executable, "-c", text])
        assert language == "bash"
        words = shlex.split(text.replace("\\\n", " "))
        if words[0] == "grpcurl":
            return say(words)
        assert words[:3] == ["uv", "run", "utterson"], f"do not know how to run {words[0]}"
        return self._process([*COMMAND, *words[3:]])

    def _process(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.stdout + done.stderr

    def _json_difference(self, expected: object, found: object, path: str = "answer") -> str:
        """Answers are shortened: fields may be left out, but what is there must be so."""
        if isinstance(expected, dict) and isinstance(found, dict):
            pairs = [(value, found.get(key), f"{path}.{key}") for key, value in expected.items()]
        elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
            pairs = [(*both, f"{path}[{place}]") for place, both in enumerate(zip(expected, found, strict=True))]
        else:
            return "" if self._equal(expected, found) else f"{path}: {expected!r} is written, {found!r} was answered"
        return "; ".join(filter(None, (self._json_difference(*pair) for pair in pairs)))

    def _equal(self, expected: object, found: object) -> bool:
        if isinstance(expected, str) and _ID.fullmatch(expected) and isinstance(found, str) and _ID.fullmatch(found):
            return self._ids.setdefault(expected, found) == found
        return expected == found


def _json_of(said: str) -> object:
    try:
        return json.loads(said)
    except json.JSONDecodeError:
        return said


def _text_difference(expected: str, said: str) -> str:
    """Every line that is written must have been said, in this order."""
    lines = iter([" ".join(line.split()) for line in said.splitlines()])
    missing = [line for line in map(str.split, expected.splitlines()) if line and " ".join(line) not in lines]
    return f"{[' '.join(line) for line in missing]} is written, but not said in {said!r}" if missing else ""
