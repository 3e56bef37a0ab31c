"""What the documents show is run, in order, against a server; the answers they show are the answers given."""

import asyncio
import re
from pathlib import Path

import pytest
from typer.main import get_command

from tests.docs.blocks import blocks_of, runs_of
from tests.docs.playing import Reader
from tests.grpcurl import say, say_by_reflection
from tests.house.sources import read, written
from utterson.cli.app import app

PLAYED = [name for name in written(".md") if runs_of(blocks_of(read(name)))]


def test_the_readme_is_played() -> None:
    assert "README.md" in PLAYED
    assert len(runs_of(blocks_of(read("README.md")))) >= 10


@pytest.mark.parametrize("name", PLAYED)
async def test_a_document_is_true(name: str, address: str, tmp_path: Path) -> None:
    reader = Reader(address, tmp_path)
    differences = {}
    for block, answer in runs_of(blocks_of(read(name))):
        difference = await asyncio.to_thread(reader.follow, block, answer)
        if difference:
            differences[f"{name}:{block.line}"] = difference
    assert not differences


@pytest.mark.parametrize("method", ["Identify", "StreamResolve"])
async def test_both_ways_of_asking_say_the_same(method: str, address: str) -> None:
    """With grpcurl installed: it and its stand-in describe a method alike. Without: the stand-in does its work."""
    words = ["grpcurl", "-plaintext", address, "describe", f"utterson.v1.IdentityService.{method}"]
    said = await asyncio.to_thread(say, words)
    stand_in = await asyncio.to_thread(say_by_reflection, words)
    assert stand_in.splitlines()[-2:] == said.splitlines()[-2:]
    assert f"rpc {method} (" in stand_in


async def test_an_answer_that_is_not_given_is_noticed(address: str, tmp_path: Path) -> None:
    document = (
        "```bash run\ngrpcurl -plaintext 127.0.0.1:50051 list\n```\n"
        "```text answer\nutterson.v1.ProfileService\nutterson.v1.IdentityService\n```\n"
        '```bash run\ngrpcurl -plaintext -d \'{"workspace": "noticed", "preset": "unify"}\' 127.0.0.1:50051'
        " utterson.v1.WorkspaceService/CreateWorkspace\n```\n"
        '```json answer\n{"workspace": {"workspace": "noticed", "policyRevision": 2}}\n```\n'
        "```bash run\ngrpcurl -plaintext -d '{}' 127.0.0.1:50051 utterson.v1.IdentityService/Identify\n```\n"
    )
    reader = Reader(address, tmp_path)
    told = [await asyncio.to_thread(reader.follow, *pair) for pair in runs_of(blocks_of(document))]
    assert "IdentityService'] is written, but not said" in told[0]
    assert told[1] == "answer.workspace.policyRevision: 2 is written, 1 was answered"
    assert "it was refused" in told[2]


@pytest.mark.parametrize("name", written(".md"))
def test_commands_that_are_named_exist(name: str) -> None:
    text = read(name)
    commands = set(getattr(get_command(app), "commands", {}))
    assert set(re.findall(r"(?:uv run (?:--\S+ )*)utterson (\w+)", text)) <= commands
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets


@pytest.mark.parametrize("name", written(".md"))
def test_options_that_are_named_exist(name: str) -> None:
    commands = getattr(get_command(app), "commands", {}).values()
    options = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert {"--address", "--listen"} <= options
    if name.startswith("benchmarks/"):
        options |= load_client_options()
    assert set(re.findall(r"`(--[a-z-]+)", read(name))) <= options


def load_client_options() -> set[str]:
    """Tell the options of the benchmarks' client by the fields of its command line."""
    fields = re.findall(r"^    pub (\w+): ", read("benchmarks/load/src/cli.rs"), re.MULTILINE)
    options = {"--" + field.replace("_", "-") for field in fields}
    assert {"--calls", "--seed", "--shape"} <= options
    return options


@pytest.mark.parametrize("name", [name for name in written(".md") if name.startswith("benchmarks/")])
def test_the_load_clients_lines_name_options_that_exist(name: str) -> None:
    lines = [
        line
        for block in blocks_of(read(name))
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith("utterson-load ")
    ]
    assert {option for line in lines for option in re.findall(r"--[a-z-]+", line)} <= load_client_options()
