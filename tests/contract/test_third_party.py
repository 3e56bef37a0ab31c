"""The protos of others are what their packages ship, byte for byte, and each is told with its version."""

from importlib.metadata import version
from pathlib import Path

import pytest
from google.rpc import status_pb2

THIRD_PARTY = Path(__file__).resolve().parents[2] / "third_party"
INSTALLED = Path(status_pb2.__file__).parents[2]


@pytest.mark.parametrize("name", ["google/rpc/error_details.proto", "google/rpc/status.proto"])
def test_a_proto_is_the_installed_one(name: str) -> None:
    assert (THIRD_PARTY / name).read_bytes() == (INSTALLED / name).read_bytes()


def test_the_list_is_whole() -> None:
    table = (THIRD_PARTY / "README.md").read_text(encoding="utf-8")
    names = {file.relative_to(THIRD_PARTY).as_posix() for file in THIRD_PARTY.rglob("*.proto")}
    assert {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")} == names
    assert table.count(f"| googleapis-common-protos | {version('googleapis-common-protos')} |") == 2
