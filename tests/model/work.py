"""What the rules of both families work on while one call is decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.model.common import ChangeItem
from tests.model.hits import Branch, Hits
from tests.model.policy import Policy
from tests.model.records import (
    Answer,
    Call,
    ChangeResult,
    Demotion,
    DemotionReason,
    Disposition,
    Explanation,
    Identifier,
    IdentifierResult,
    InvalidReason,
    Kind,
    Outcome,
    Round,
)
from tests.model.state import Profile, State, StoredEvent, Trait
from tests.model.traits import refuse_grown, write_traits
from tests.model.values import Item


@dataclass
class Work:
    """One call being decided on a working copy of the state.

    `time_us` is its event time (absent, or too far ahead: now; C11), `is_adjusted` says that it is not the one sent.
    """

    policy: Policy
    policy_revision: int
    state: State
    call: Call
    time_us: int
    hits: Hits
    is_adjusted: bool = False
    items: list[Item] = field(default_factory=list)
    change_items: list[ChangeItem] = field(default_factory=list)
    dispositions: dict[Identifier, Disposition] = field(default_factory=dict)
    replaced: dict[Identifier, tuple[Identifier, ...]] = field(default_factory=dict)
    demoted: list[Demotion] = field(default_factory=list)
    changed: list[tuple[str, int]] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    merged: tuple[int, ...] = ()
    warnings: int = 0

    @property
    def usable(self) -> list[Item]:
        """The identifiers that C3, C4 and C12 left."""
        return [item for item in self.items if item.set_aside is None]

    def hit(self, branch: Branch) -> None:
        """Count a branch taken."""
        self.hits[branch] += 1

    def is_known(self, profile: Profile) -> bool:
        """Known: the profile holds at least one login identifier."""
        return any(self.policy.settings(type_name).login for type_name, _ in profile.held)

    def store(self, profile: Profile, before: list[dict[str, Trait]]) -> None:
        """M8: Identify and Login write traits. A Track stores its event, with what was demoted (M7).

        `before` are the traits of each profile of M as they were, of a profile just made none (C13).
        """
        if self.call.kind in (Kind.IDENTIFY, Kind.LOGIN):
            winning = write_traits(profile, self.call.traits, self.time_us, self.state.order, self.hits)
            refuse_grown(before, winning, profile.traits, self.hits)
        if self.call.kind is Kind.TRACK:
            if self.demoted:
                self.hit(Branch.M7_EVENT_DEMOTED)
            profile.events.append(self.event())

    def event(self) -> StoredEvent:
        """Return the event that the call stores."""
        sent = self.call.event
        return StoredEvent(
            time_us=self.time_us,
            order=self.state.order,
            name=sent.name if sent else "",
            properties=dict(sent.properties or {}) if sent else {},
            message_id=sent.message_id if sent else "",
            identifiers=tuple((item.type, item.told) for item in self.items),
            demoted=tuple(self.demoted),
            time_sent_us=self.call.event_time_us if self.is_adjusted else None,
        )

    def answer(self, outcome: Outcome, profile: Profile | None, decided_by: str) -> Answer:
        """Build the answer; `profile` is None with UNRESOLVED only."""
        return Answer(
            outcome=outcome,
            profile=profile.ordinal if profile else 0,
            known=profile is not None and self.is_known(profile),
            source_profile=profile.source if profile else 0,
            merged=self.merged,
            identifiers=tuple(self._results()),
            demoted=tuple(self.demoted),
            changes=tuple(self._changes()),
            warnings=self.warnings,
            decided_by=decided_by,
            policy_revision=self.policy_revision,
            event_time_adjusted_us=self.time_us if self.is_adjusted else None,
            explanation=Explanation(tuple(self.rounds), decided_by),
        )

    def _results(self) -> list[IdentifierResult]:
        reasons = {(demotion.type, demotion.value): demotion.reason for demotion in self.demoted}
        results = []
        for item in self.items:
            disposition = item.set_aside or self.dispositions[item.key]
            reason = DemotionReason.UNSPECIFIED
            if disposition is Disposition.DEMOTED:
                reason = reasons[(item.type, item.told)]
            invalid = InvalidReason.UNSPECIFIED
            if disposition is Disposition.INVALID and item.invalid is not None:
                invalid = item.invalid
            replaced = () if item.set_aside else self.replaced.get(item.key, ())
            results.append(IdentifierResult(item.type, item.told, disposition, reason, invalid, replaced))
        return results

    def _changes(self) -> list[ChangeResult]:
        """I7: each (type, profile) once, in order; `now_orphaned` as of the end of the call."""
        results = []
        for type_name, ordinal in dict.fromkeys(self.changed):
            results.append(ChangeResult(type_name, ordinal, not self.state.profiles[ordinal].held))
        return results


def without_explanation(answer: Answer) -> Answer:
    """C10: the trace is told only where it was asked for."""
    return replace(answer, explanation=None)
