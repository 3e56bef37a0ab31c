"""What the history must tell of a call, and that it tells it of every profile that the call touched."""

from __future__ import annotations

from tests.agreement.messages import KIND_NUMBERS, microseconds
from tests.agreement.mismatch import require
from tests.agreement.telling import Ordinals, demotion_told, model_told, short
from tests.agreement.twin import LogRow, Tables
from tests.model.records import Answer, Call, Disposition, Kind, Outcome, Refusal
from utterson.v1.profile_service_pb2 import CallKind, HistoryEntry
from utterson.v1.resolution_pb2 import Outcome as OutcomeNumber


def touched(call: Call, answer: Answer | Refusal) -> tuple[set[int], bool]:
    """Tell which profiles a new call touches, and whether that is certain: traits may be older than what is there."""
    if isinstance(answer, Refusal) or call.validate_only or call.kind is Kind.SEARCH or not answer.profile:
        return set(), True
    profiles = {answer.profile, *(change.profile for change in answer.changes)}
    is_attached = any(result.disposition is Disposition.ATTACHED for result in answer.identifiers)
    is_made = answer.outcome in (Outcome.CREATED, Outcome.MERGED)
    if is_made or is_attached or answer.changes or call.kind is Kind.TRACK:
        return profiles, True
    may_write_traits = call.kind in (Kind.IDENTIFY, Kind.LOGIN) and bool(call.traits)
    return (profiles, False) if may_write_traits else (set(), True)


def check_history(
    tables: Tables, place: tuple[LogRow, int], call: Call, answer: Answer | Refusal, ordinals: Ordinals
) -> None:
    """Compare the history that a call left, at its place in the log, with the model's answer; repeats leave none."""
    row, position = place
    found = {
        profile: record for (profile, seq, at), record in tables.history.items() if (seq, at) == (row.seq, position)
    }
    profiles, is_certain = touched(call, answer)
    is_right = set(found) == profiles or (not is_certain and not found)
    require(is_right, f"history: touches {sorted(profiles)} | {sorted(found)}")
    for record in found.values():
        assert isinstance(answer, Answer)
        check_entry(HistoryEntry.FromString(record), row, call, answer, ordinals)


def check_import_history(tables: Tables, ordinals: tuple[int, ...]) -> None:
    """Each imported profile has one entry, at its place in the import."""
    row = tables.head
    found = sorted((at, profile) for profile, seq, at in tables.history if seq == row.seq)
    require(found == list(enumerate(ordinals)), f"history of an import: {ordinals} | {found}")
    for at, profile in found:
        entry = HistoryEntry.FromString(tables.history[profile, row.seq, at])
        given = (entry.call, entry.outcome, microseconds(entry.commit_time), entry.policy_revision)
        wanted = (CallKind.CALL_KIND_IMPORT, OutcomeNumber.OUTCOME_CREATED, row.commit_time_us, row.policy_revision)
        require(given == wanted, f"history of an import: {wanted} | {given}")


def check_entry(entry: HistoryEntry, row: LogRow, call: Call, answer: Answer, ordinals: Ordinals) -> None:
    """Compare one entry with the model's answer; it tells the types of which values were replaced, too (I5)."""
    told = model_told(answer)
    replaced = dict.fromkeys((one.type, answer.profile, False) for one in answer.identifiers if one.replaced)
    told["changes"].extend(replaced)
    expected = {
        "call": KIND_NUMBERS[call.kind],
        "commit_time_us": row.commit_time_us,
        "decided_by": answer.decided_by,
        **{name: told[name] for name in ("outcome", "policy_revision", "profile", "merged", "changes", "demoted")},
    }
    given = {
        "call": entry.call,
        "commit_time_us": microseconds(entry.commit_time),
        "decided_by": entry.decided_by,
        "outcome": short(OutcomeNumber.Name(entry.outcome), "OUTCOME_"),
        "policy_revision": entry.policy_revision,
        "profile": ordinals(entry.profile_id),
        "merged": [ordinals(profile_id) for profile_id in entry.merged_profile_ids],
        "changes": [(one.type, ordinals(one.profile_id), one.now_orphaned) for one in entry.changes],
        "demoted": [demotion_told(one) for one in entry.demoted],
    }
    require(expected == given, f"history: {expected} | {given}")
