"""The engine and the protos refuse the same calls for the same fields: hot calls are validated in Rust only."""

from typing import Any

import pytest

from tests.contract.test_field_rules import COMMON, EVENTS, HOT, MODIFY, WRITERS, WRITING, faults, hot, modify
from utterson import _core
from utterson.domain.calls import CallKind


def faults_of_core(name: str, request: bytes) -> list[str]:
    """Tell the paths of the fields at fault, by the engine."""
    parsed = _core.parse_call(CallKind[name.upper()], request)
    fault = parsed if isinstance(parsed, _core.Fault) else parsed.faults[0]
    return [] if fault is None else [field for field, _ in fault.violations]


# Alone, an empty workspace is refused by the engine; the protos allow it, for calls inside a batch.
CASES = [
    *((name, fields) for name in HOT for fields, _ in COMMON if fields != {"workspace": ""}),
    *((name, fields) for name in WRITERS for fields, _ in WRITING),
    *(("Track", fields) for fields, _ in EVENTS),
    *(("Modify", fields) for fields, _ in MODIFY),
]


@pytest.mark.parametrize(("name", "fields"), CASES)
def test_both_name_the_same_fields(name: str, fields: dict[str, Any]) -> None:
    request = modify(**fields) if name == "Modify" else hot(name, **fields)
    by_core = faults_of_core(name, request.SerializeToString())
    assert sorted(by_core) == sorted(faults(f"IdentityService/{name}", request))
