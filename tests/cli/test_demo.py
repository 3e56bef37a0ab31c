"""`utterson demo`, as a person starts it."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import ServingDemo, free_port, processes_of, run_command
from tests.grpcurl import say
from utterson.cli.demo.playing import GRAPH, ISOLATION, load_seed

EQUAL = "✓ equals the document"
ROWS = len(load_seed(ISOLATION).steps) + len(load_seed(GRAPH).steps)


@pytest.fixture(scope="module")
def data_dir(open_dir: Path) -> Path:
    """The folder of the demo's Postgres."""
    return open_dir / "demo"


@pytest.fixture(scope="module")
def demo(data_dir: Path) -> Iterator[ServingDemo]:
    """A demo that has played and serves."""
    started = ServingDemo(data_dir, "--listen", f"127.0.0.1:{free_port()}")
    yield started
    started.stop()


def test_every_row_equals_its_document(demo: ServingDemo) -> None:
    assert demo.output.count(EQUAL) == ROWS
    assert "all 8 rows of «Profile Isolation Strategy» equal the document" in demo.output
    assert "all 11 rows of «Identity Graph Rules» equal the document" in demo.output
    assert "DIFFER" not in demo.output


def test_it_is_readable_at_100_columns_and_plain_where_there_is_no_terminal(demo: ServingDemo) -> None:
    too_wide = [line for line in demo.output.splitlines() if len(line) > 100 and not line.startswith("grpcurl")]
    assert too_wide == []
    assert "\x1b" not in demo.output


def test_the_printed_lines_work(demo: ServingDemo) -> None:
    lines = [line for line in demo.output.splitlines() if line.startswith("grpcurl ")]
    identify, get_profile, search = (json.loads(say(shlex.split(line))) for line in lines)
    assert identify["resolution"]["outcome"] == "OUTCOME_MATCHED"
    assert identify["resolution"]["explanation"]["decidedBy"] == "I3"
    held = [entry["identifier"] for entry in get_profile["profile"]["identifiers"]]
    assert {"type": "email", "value": "h.jekyll.md@example.com"} in held
    assert get_profile["profile"]["profileId"] == identify["resolution"]["profileId"]
    assert search["resolution"]["outcome"] == "OUTCOME_MATCHED"


def test_a_taken_port_is_one_sentence(demo: ServingDemo, open_dir: Path) -> None:
    [address] = re.findall(r"Serving on (\S+)\. Ctrl-C", demo.output)
    result = run_command("demo", "--once", "--listen", address, "--data-dir", str(open_dir / "second"))
    assert result.returncode == 1
    assert result.stderr.startswith(f"utterson: cannot listen at {address}: ")
    assert result.stderr.count("\n") == 1
    assert processes_of(open_dir / "second") == []


def test_ctrl_c_stops_everything(demo: ServingDemo, data_dir: Path) -> None:
    assert processes_of(data_dir)
    assert demo.stop() == 0
    assert "Traceback" not in demo.told_errors()
    deadline = time.monotonic() + 5
    while processes_of(data_dir) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(data_dir) == []


def test_once_plays_in_new_workspaces_and_ends(demo: ServingDemo, data_dir: Path) -> None:
    demo.stop()
    result = run_command("demo", "--once", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir))
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(EQUAL) == ROWS
    assert result.stderr == ""
    assert processes_of(data_dir) == []
