"""The closed list of reasons is one list: domain, proto, status codes, comments."""

import re
from pathlib import Path

import pytest

from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason
from utterson.server.descriptors import descriptor_set
from utterson.server.refusals import CODES
from utterson.v1 import profile_service_pb2
from utterson.v1.error_reason_pb2 import ErrorReason

REPOSITORY = Path(__file__).resolve().parents[2]
PREFIX = "ERROR_REASON_"
API_REASONS = [
    "FIELD_INVALID",
    "MALFORMED_REQUEST",
    "NO_USABLE_IDENTIFIER",
    "LOGIN_IDENTIFIER_REQUIRED",
    "TWO_VALUES_OF_UNIQUE_TYPE",
    "TYPE_REJECTED",
    "EMPTY_CHANGE",
    "POLICY_INVALID",
    "PAGE_TOKEN_INVALID",
    "REVISION_INVALID",
    "WORKSPACE_NOT_FOUND",
    "PROFILE_NOT_FOUND",
    "NO_MATCH",
    "WORKSPACE_EXISTS",
    "REQUEST_ID_REUSED",
    "IMMUTABLE_IDENTIFIER",
    "IDENTIFIERS_HELD_BY_OTHERS",
    "LIMIT_EXCEEDED",
    "POLICY_CHANGE_FORBIDDEN",
    "HISTORY_DIVERGED",
    "ETAG_MISMATCH",
    "REVISION_EXPIRED",
    "QUEUE_FULL",
    "QUOTA_EXCEEDED",
    "CREDENTIALS_INVALID",
    "ACCESS_DENIED",
    "STORE_UNAVAILABLE",
    "INDEX_LOADING",
    "REVISION_NOT_REACHED",
    "SHUTTING_DOWN",
    "OUTCOME_UNKNOWN",
    "INTERNAL_FAULT",
    "PROFILE_TOO_LARGE",
]


def comments() -> dict[str, str]:
    """Read each reason's comment out of the descriptor set."""
    (file,) = (file for file in descriptor_set().file if file.name.endswith("/error_reason.proto"))
    (enum,) = file.enum_type
    # The path of a value's comment: field 5 (enums) of the file, field 2 (values) of the enum.
    return {
        enum.value[location.path[3]].name: location.leading_comments.strip()
        for location in file.source_code_info.location
        if len(location.path) == 4 and (location.path[0], location.path[2]) == (5, 2)
    }


def test_domain_and_proto_agree() -> None:
    of_proto = {name.removeprefix(PREFIX): number for name, number in ErrorReason.items() if number != 0}
    assert of_proto == {reason.name: reason.value for reason in Reason}


def test_domain_and_core_agree() -> None:
    source = (REPOSITORY / "rust_core/engine/src/fault.rs").read_text(encoding="utf-8")
    body = source.partition("pub enum Reason {")[2].partition("\n}")[0]
    of_core = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): int(number)
        for name, number in re.findall(r"(\w+) = (\d+),", body)
    }
    # The core has the reasons that it gives, under the same numbers; the others are the server's own.
    assert of_core.items() <= {reason.name: reason.value for reason in Reason}.items()
    given = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
        for crate in ("codec", "engine", "py")
        for path in (REPOSITORY / "rust_core" / crate / "src").glob("**/*.rs")
        for name in re.findall(r"\bReason::(\w+)", path.read_text(encoding="utf-8"))
    }
    assert of_core.keys() == given


def test_the_list_is_complete() -> None:
    assert [reason.name for reason in Reason] == API_REASONS


def test_every_reason_has_a_status_code() -> None:
    assert set(CODES) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.name)
def test_the_comment_names_the_code(reason: Reason) -> None:
    code, colon, sentence = comments()[PREFIX + reason.name].partition(":")
    assert colon
    assert code == CODES[reason].name
    assert sentence.endswith(".")


def test_reasons_are_such_as_error_info_wants_them() -> None:
    for reason in Reason:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+[A-Z0-9]", reason.name)
        assert len(reason.name) <= 63


def test_kinds_of_calls_agree() -> None:
    of_proto = {name.removeprefix("CALL_KIND_"): number for name, number in profile_service_pb2.CallKind.items()}
    recorded = {kind.name: kind.value for kind in CallKind if kind is not CallKind.SEARCH}
    assert of_proto == {"UNSPECIFIED": 0, **recorded}


def test_no_status_is_made_elsewhere() -> None:
    server = REPOSITORY / "python/utterson/server"
    makers = {path.name for path in server.rglob("*.py") if re.search(r"status_pb2\.Status\(", path.read_text())}
    assert makers == {"refusals.py"}
