"""The protos keep buf's STANDARD and COMMENTS rules and its format, offline."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BUF = Path(sys.executable).parent / "buf"


def buf(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run buf in a folder."""
    return subprocess.run([BUF, *arguments], capture_output=True, text=True, check=False, cwd=folder)


def test_the_protos_pass_the_lint() -> None:
    result = buf(REPOSITORY, "lint")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("folder", ["proto", "proto_internal"])
def test_the_protos_are_formatted(folder: str) -> None:
    result = buf(REPOSITORY, "format", "--diff", "--exit-code", folder)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("// One identifier of a person, for example", "", "COMMENT_MESSAGE"),
        ("DISPOSITION_BLOCKED", "BLOCKED", "ENUM_VALUE_PREFIX"),
        ('pattern = "^[a-z]', 'pattern = "^([a-z]', "PROTOVALIDATE"),
    ],
)
def test_the_lint_can_fail(tmp_path: Path, right: str, wrong: str, rule: str) -> None:
    shutil.copy(REPOSITORY / "buf.yaml", tmp_path)
    for folder in ("proto", "proto_internal", "third_party"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    file = tmp_path / "proto/utterson/v1/identifier.proto"
    text = file.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if wrong or not line.startswith(right)]
    file.write_text("\n".join(lines).replace(right, wrong or right) + "\n", encoding="utf-8")
    result = buf(tmp_path, "lint", "--error-format", "json")
    assert result.returncode == 100
    assert rule in result.stdout
