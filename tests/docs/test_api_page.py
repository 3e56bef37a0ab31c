"""docs/api.md tells every RPC and disposition."""

import re

import pytest
from google.protobuf.descriptor import ServiceDescriptor

from tests.house.sources import read
from utterson.server.descriptors import services
from utterson.v1.identifier_pb2 import Disposition

PAGE = read("docs/api.md")


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_every_call_is_told(service: ServiceDescriptor) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{service.name}` |")]
    assert set(re.findall(r"`(\w+)`", row)) == {service.name, *(method.name for method in service.methods)}


def test_every_disposition_is_told() -> None:
    table = PAGE.split("| disposition |")[1].split("\n\n")[0]
    told = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    known = [name.removeprefix("DISPOSITION_") for name in Disposition.keys()[1:]]
    # The table is in the order in which they are judged: INVALID, the youngest, comes before what only usable ones are.
    known.remove("INVALID")
    known.insert(known.index("IGNORED_TYPE") + 1, "INVALID")
    assert told == known
