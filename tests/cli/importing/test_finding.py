"""Which files are meant: nothing is left out, or taken, without a word."""

import os
from pathlib import Path

import pytest

from tests.cli.importing.helping import line, say, write
from utterson.cli.importing.finding import files_of
from utterson.cli.importing.records import ImportFileError


def names(folder: Path, given: str) -> tuple[list[str], list[str]]:
    """Tell what is read of something, and what is not."""
    found = files_of(given)
    return [str(one.relative_to(folder)) for one in found.files], [
        one.replace(f"{folder}/", "") for one in found.skipped
    ]


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    for name in ("10.jsonl", "2.jsonl", ".hidden", "_SUCCESS", ".git/a.jsonl", "_delta_log/a.jsonl", "day=1/a.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path, line(1), name=name)
    (tmp_path / "linked").symlink_to(tmp_path / "day=1")
    (tmp_path / "dangling.jsonl").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    files, skipped = names(tmp_path, str(tmp_path))
    assert files == ["10.jsonl", "2.jsonl", "day=1/a.jsonl"]
    assert sorted(skipped) == [
        ".git is a hidden folder",
        ".hidden is hidden",
        "_SUCCESS is hidden",
        "_delta_log is a hidden folder",
        "dangling.jsonl is a link to nothing",
        "linked is a link to a folder",
        "pipe is no file",
    ]
    said = say(str(tmp_path / "*"), "--check", "--policy", str(tmp_path / "none"))
    assert "dangling.jsonl is a link to nothing" in said.told
    assert names(tmp_path, f"{tmp_path}/**/a.jsonl")[0] == ["day=1/a.jsonl", "linked/a.jsonl"]
    assert names(tmp_path, f"{tmp_path}/.git/*.jsonl")[0] == [".git/a.jsonl"]
    assert names(tmp_path, f"{tmp_path}/_delta*/*.jsonl")[0] == ["_delta_log/a.jsonl"]


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    pipe, dangling = tmp_path / "pipe", tmp_path / "dangling"
    os.mkfifo(pipe)
    dangling.symlink_to("nowhere")
    for given, wanted in {
        "": "^name a file, a folder or a pattern: nothing was given$",
        str(pipe): "pipe: is no file that can be read from its beginning again",
        str(dangling): "dangling: is a link to nothing$",
        str(tmp_path): "there is no file; left out: .*dangling is a link to nothing, .*pipe is no file$",
        str(tmp_path / "no*"): "there is no file$",
    }.items():
        with pytest.raises(ImportFileError, match=wanted):
            files_of(given)
