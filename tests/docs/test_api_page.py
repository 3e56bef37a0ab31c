"""docs/api.md tells every RPC, disposition and reason, each reason under its code."""

import re

import pytest
from google.protobuf.descriptor import ServiceDescriptor

from tests.house.sources import read
from utterson.domain.errors import Reason
from utterson.server.descriptors import services
from utterson.server.refusals import CODES
from utterson.v1.identifier_pb2 import Disposition

PAGE = read("docs/api.md")


def reasons_by_code() -> dict[str, str]:
    """Tell the code that the table gives to each reason; an empty first column means the one above."""
    found: dict[str, str] = {}
    code = ""
    for line in PAGE.split("## Refusals")[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[1].startswith("`"):
            code = cells[0] or code
            found.update(dict.fromkeys(re.findall(r"`(\w+)`", cells[1]), code))
    return found


def test_every_reason_stands_under_its_code() -> None:
    assert reasons_by_code() == {reason.name: CODES[reason].name for reason in Reason}


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_every_call_is_told(service: ServiceDescriptor) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{service.name}` |")]
    assert set(re.findall(r"`(\w+)`", row)) == {service.name, *(method.name for method in service.methods)}


def test_every_disposition_is_told() -> None:
    table = PAGE.split("| disposition |")[1].split("\n\n")[0]
    told = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert told == [name.removeprefix("DISPOSITION_") for name in Disposition.keys()[1:]]
