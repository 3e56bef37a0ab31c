"""Each refusal says what it says word for word, and a reader is helped by it."""

import re

import pytest
from google.rpc import status_pb2

from tests.bad_input.calls import CASES
from tests.bad_input.refusals import CANARY, Case
from tests.bad_input.target import Target
from tests.bad_input.texts import TEXTS
from tests.server.statuses import details_of
from utterson.application import refusals as made
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.errors import Reason, UttersonError
from utterson.server.deadline import unanswered
from utterson.server.refusals import CODES, error_status

# What cannot be provoked, and why.
NOT_YET = {
    Reason.REVISION_EXPIRED: "not sent yet: nothing reads the log from a position",
    Reason.CREDENTIALS_INVALID: "not sent yet: there is no authentication",
    Reason.ACCESS_DENIED: "not sent yet: there is no authentication",
    Reason.INDEX_LOADING: "not sent yet: calls wait for a workspace that is loaded",
}
# Their sentences are held where they are provoked at some cost.
ELSEWHERE = {
    Reason.QUOTA_EXCEEDED: "tests/server/test_byte_budget.py, tests/application/workspaces/",
    Reason.REVISION_NOT_REACHED: "tests/application/reads/",
    Reason.PROFILE_TOO_LARGE: "tests/server/test_largest.py",
}
OF_THE_DATABASE = [StoreFailureError(kind, "08006") for kind in FailureKind if kind is not FailureKind.POISON]
MADE: list[UttersonError] = [
    made.queue_full(5),
    made.outcome_unknown(),
    made.shutting_down(),
    made.history_diverged(),
    made.clocks_apart(),
    unanswered(30),
    made.internal_fault(ValueError(CANARY), bytes),
    *[made.store_unavailable(failure) for failure in OF_THE_DATABASE],
]

# A reader is told what to do by one of these, or by what a field must be.
CURES = re.compile(
    r"\b(must|needs?|give|send|make|use|repeat|try again|choose|keep|read|correct|begin|take|leave|call|slow down|"
    r"remove|look|check|would create|put that right|set them right|generate|spell|raise)\b"
)
ENDS_WELL = re.compile(r"[\w)\]}`.]$")


def violations(status: status_pb2.Status) -> list[tuple[str, str]]:
    """Tell what stands in the way, field and description."""
    details = details_of(status)
    found = []
    if "BadRequest" in details:
        found += [(one.field, one.description) for one in details["BadRequest"].field_violations]
    if "PreconditionFailure" in details:
        found += [(one.subject, one.description) for one in details["PreconditionFailure"].violations]
    return found


def faults(status: status_pb2.Status) -> list[str]:
    """Tell what a reader would mind in a refusal."""
    told = []
    if CANARY in str(status):
        told.append("a value that was sent")
    sentences = [part for part in re.split(r"; |: ", status.message) if part]
    if len(sentences) != len(set(sentences)):
        told.append("a sentence twice")
    texts = [status.message, *(description for _, description in violations(status))]
    told += [f"no end of a sentence: {text}" for text in texts if not ENDS_WELL.search(text)]
    if len(set(violations(status))) != len(violations(status)):
        told.append("a violation twice")
    if not any(CURES.search(text) for text in texts):
        told.append(f"nothing to do: {status.message}")
    return told


@pytest.mark.parametrize("name", TEXTS)
async def test_a_refusal_says_just_this(target: Target, name: str) -> None:
    reason, provoke, message, stands = TEXTS[name]
    status = await provoke(target)
    assert (status.code, details_of(status)["ErrorInfo"].reason) == (CODES[reason].value, reason.name)
    assert (status.message, violations(status)) == (message, stands)
    assert faults(status) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_every_fault_of_a_call_is_told_well(target: Target, case: Case) -> None:
    kind = case.call.WhichOneof("call")
    assert kind is not None
    assert faults(await target.unary(kind, case.encoded(getattr(case.call, kind).SerializeToString()))) == []


@pytest.mark.parametrize("error", MADE, ids=lambda error: f"{error.reason.name}: {error.message}")
def test_what_a_server_in_need_says(error: UttersonError) -> None:
    assert faults(error_status(error)) == []


def test_every_reason_is_met_or_named() -> None:
    met = {reason for reason, *_ in TEXTS.values()} | {error.reason for error in MADE}
    named = {**NOT_YET, **ELSEWHERE}
    assert met | named.keys() == set(Reason)
    assert not met & named.keys()


def test_what_a_reader_would_mind_is_seen() -> None:
    bad = status_pb2.Status(message=f"traits: wrong; traits: wrong, {CANARY}, ")
    assert len(faults(bad)) == 4
