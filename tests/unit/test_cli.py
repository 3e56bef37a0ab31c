"""How commands that fail end: one sentence, exit code 1, no trace."""

import subprocess
import sys

import pytest


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from utterson.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve", "--listen", "nowhere"], "utterson: the settings are wrong: listen: "),
        (["serve", "--config", "/no/such/file"], "utterson: the configuration file /no/such/file does not exist"),
    ],
)
def test_what_a_person_can_put_right_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = _run(*arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1


def test_unknown_options_are_refused() -> None:
    result = _run("serve", "--no-such-option", "1")
    assert result.returncode == 2
    assert "no-such-option" in result.stderr
