"""Each file that real senders broke an import with: it stops at a line, and the good lines get in where asked."""

import re
from pathlib import Path

import pytest

from tests.cli.importing.helping import FIELD, run

# How each ends without an option, how many lines are at fault or clash, and how many profiles get in without those.
FILES = {
    "calls_instead_of_profiles.jsonl": ("line 1: has a key that a profile has not", 4, 0),
    "contacts.csv": ("line 1: say which columns are identifiers", 1, 0),
    "empty_emails.jsonl": ("line 6, identifiers[1].value: ", 3, 27),
    "gzip_damaged.jsonl.gz": ("gzip_damaged.jsonl.gz, line 67: the packed file is damaged", 0, 66),
    "half_a_character_in_a_trait.jsonl": ("line 2, column 72: holds half a character", 1, 1),
    "half_a_character_in_an_identifier.jsonl": ("line 1, column 48: holds half a character", 1, 0),
    "half_a_character_in_line_3.jsonl": ("line 3, column 72: holds half a character", 1, 3),
    "nested_too_deep.jsonl": ("line 1, column ", 1, 0),
    "number_of_400_digits.jsonl": ("line 1, column 65: is a whole number beyond 2^53", 1, 0),
    "number_that_loses_digits.jsonl": ("line 1, column 72: is a whole number beyond 2^53", 1, 0),
    "one_email_many_times.jsonl": ("line 4, identifiers[1]: another profile holds it already", 19, 21),
    "time_before_year_1.jsonl": ("line 1, create_time: must be a time from the year 1", 1, 0),
}


def test_all_of_them_are_here() -> None:
    assert set(FILES) == {path.name for path in FIELD.iterdir()}


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_real_senders_send(name: str, address: str, tmp_path: Path) -> None:
    sentence, faults, profiles = FILES[name]
    workspace = re.sub("[^a-z0-9]", "-", name)
    said = await run(FIELD / name, address, workspace)
    assert said.code == 1
    assert said.error.startswith(sentence) or said.error.partition("/field/")[2].startswith(sentence)
    assert "Nothing is taken over" in said.error
    rejects = tmp_path / "rejects"
    said = await run(FIELD / name, address, workspace, "--skip-faults", "--rejects", str(rejects))
    if name == "contacts.csv":
        # Nobody can say what a good line is.
        assert said.error.startswith(sentence)
        said = await run(FIELD / name, address, workspace, "--column", "email=email", "--column", "phone=phone")
        assert (said.code, said.told.partition(" with")[0]) == (0, "1 profile")
        return
    assert (said.code, said.error) == (0, "")
    assert said.told.startswith(f"{profiles} profile{'' if profiles == 1 else 's'} with ")
    assert len(rejects.read_text(encoding="utf-8").splitlines()) == faults
