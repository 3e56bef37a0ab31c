"""No change to the protos breaks who was built against the last release: its image is kept beside them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BUF = str(Path(sys.executable).parent / "buf")
(IMAGE,) = (REPOSITORY / "proto").glob("image-*.binpb")


def broken_rules(folder: Path) -> list[str]:
    """Tell the rules of buf that the protos of a folder break, set against the last release."""
    command = [BUF, "breaking", "proto", "--against", str(IMAGE), "--error-format", "json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert not result.stderr
    return [json.loads(line)["type"] for line in result.stdout.splitlines()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy all that buf reads, to be changed."""
    shutil.copy(REPOSITORY / "buf.yaml", tmp_path)
    for folder in ("proto", "proto_internal", "third_party"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    return tmp_path


def test_nothing_is_broken() -> None:
    assert broken_rules(REPOSITORY) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "rule"),
    [
        ("identifier", "  string old_value = 2;\n", "", "FIELD_NO_DELETE"),
        ("identifier", "string old_value = 2;", "string old_value = 4;", "FIELD_NO_DELETE"),
        ("identifier", "string old_value = 2;", "string former_value = 2;", "FIELD_SAME_JSON_NAME"),
        ("identifier", "string old_value = 2;", "bytes old_value = 2;", "FIELD_SAME_TYPE"),
        ("identifier", "DISPOSITION_KEPT_IMMUTABLE = 7;", "DISPOSITION_KEPT = 7;", "ENUM_VALUE_SAME_NAME"),
        ("identity_service", "  rpc Logout(LogoutRequest) returns (LogoutResponse);\n", "", "RPC_NO_DELETE"),
    ],
)
def test_a_change_that_breaks_callers_is_found(copy: Path, file: str, right: str, wrong: str, rule: str) -> None:
    source = copy / f"proto/utterson/v1/{file}.proto"
    text = source.read_text(encoding="utf-8")
    assert text.count(right) == 1
    source.write_text(text.replace(right, wrong), encoding="utf-8")
    assert rule in broken_rules(copy)


def test_what_is_new_breaks_nothing(copy: Path) -> None:
    source = copy / "proto/utterson/v1/identifier.proto"
    text = source.read_text(encoding="utf-8")
    field = "  string old_value = 2;\n"
    source.write_text(text.replace(field, f"{field}  string reason = 9;\n"), encoding="utf-8")
    assert broken_rules(copy) == []
