"""An engine of a hundred lines: a call is a line of text, an answer a line of JSON.

`add:x` makes a profile that holds x unless there is one, `once:id:x` does so with a request id, `read:x` and
`local:x` look x up (strong, local), `default:x` leaves the consistency open, `refuse` is refused, `poison:x` makes a
row that Postgres refuses, `panic` breaks off.
"""

import dataclasses
import hashlib
import json
import struct
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tests.application.fake_audit import FakeTableAudit, state_hash
from tests.application.fake_view import FakeView
from tests.store.array_format import encode_columns
from tests.store.copy_format import decode_copy
from utterson.domain.calls import CallKind
from utterson.domain.chain import (
    Commit,
    EnginePanicError,
    Head,
    LogRow,
    Revision,
    SnapshotHead,
    StateDivergedError,
    WorkspaceKeys,
)
from utterson.domain.decisions import (
    Answer,
    CheckedPolicy,
    ParsedGroup,
    ParsedMessage,
    RefusedCall,
    RepeatedCall,
    ReplyForm,
)
from utterson.domain.errors import Reason, UttersonError
from utterson.domain.rows import IdentifierPosition
from utterson.domain.soundness import ScrubStep


def digest_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def refused() -> UttersonError:
    return UttersonError(Reason.NO_USABLE_IDENTIFIER, "refused")


@dataclass
class FakePlan:
    state: "FakeState"
    entry_id: bytes
    now_us: int
    asks_strong: bool = False
    asks_default: bool = False
    added: dict[str, int] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    policy_after: bytes | None = None
    all_answers: list[list[Answer]] = field(default_factory=list)
    unknown: Sequence[tuple[bytes, int]] = ()

    @property
    def weight(self) -> int:
        return len(self.added)

    def complete(self, values: Sequence[tuple[bytes, int, str]]) -> None:
        raise AssertionError("nothing is unknown")

    @property
    def writes(self) -> bool:
        return bool(self.added or self.requests or self.policy_after is not None)

    def answers(self, group: int, form: ReplyForm = ReplyForm.UNARY) -> list[Answer]:
        del form
        return self.all_answers[group]

    def decide_after(self, groups: Sequence[ParsedGroup], now_us: int, entry_id: bytes) -> "FakePlan":
        after = FakeState(Head(self.state.head.seq + 1, self.entry_id), self.state.policy_revision, self.state.policy)
        after.owners, after.requests = self._after(), self.state.requests | set(map(digest_of, self.requests))
        plan = after.decide(groups, now_us, entry_id)
        self.state.decided_ahead += after.decided
        return dataclasses.replace(plan, state=self.state)

    def responses(self, groups: Sequence[ParsedGroup]) -> list[bytes | None]:
        only = [self.all_answers[place][0] for place in range(len(groups))]
        unary = [group.form is ReplyForm.UNARY for group in groups]
        return [one if alone and isinstance(one, bytes) else None for one, alone in zip(only, unary, strict=True)]

    def _after(self) -> dict[bytes, int]:
        return self.state.owners | {digest_of(value): serial for value, serial in self.added.items()}

    def commit(self, keys: WorkspaceKeys) -> Commit:
        columns: dict[int, list[object]] = defaultdict(list)
        for value, serial in self.added.items():
            text = value.replace("NUL", "\x00")
            row: list[object] = [serial, self.now_us, 0, 0]
            for place, item in zip((0, 1, 2, 3), row, strict=True):
                columns[place].append(item)
            held: list[object] = [serial, digest_of(value), 0, "text", text, text, self.now_us, 1]
            for place, item in zip(range(9, 17), held, strict=True):
                columns[place].append(item)
        for identity, answer in self.requests.items():
            for place, item in zip((33, 34, 35, 36), [digest_of(identity), b"f", 0, answer.encode()], strict=True):
                columns[place].append(item)
        if self.policy_after is not None:
            columns[37], columns[38] = [self.state.policy_revision + 1], [self.policy_after]
        effects = {
            "added": {digest_of(value).hex(): serial for value, serial in self.added.items()},
            "requests": [digest_of(identity).hex() for identity in self.requests],
            "policy": None if self.policy_after is None else self.policy_after.decode(),
        }
        revision = self.state.policy_revision + (self.policy_after is not None)
        return Commit(
            keys, self.state.head.seq + 1, self.entry_id, self.state.head.id, revision, self.now_us,
            state_hash(self._after()), 1, json.dumps(effects).encode(), encode_columns(columns),
        )  # fmt: skip

    def apply(self) -> None:
        assert not self.state.discarded
        if self.state.fail_apply:
            raise EnginePanicError("apply")
        self.state.owners = self._after()
        self.state.requests |= {digest_of(identity) for identity in self.requests}
        if self.policy_after is not None:
            self.state.policy_revision += 1
            self.state.policy = self.policy_after
        self.state.head = Head(self.state.head.seq + 1, self.entry_id)


def takes_phone(policy: bytes) -> bool:
    """Tell whether a policy takes the one type that may return: in another form where its last word is «odd»."""
    return b"without" not in policy


# What a state takes beside its identifiers.
BASE_BYTES = 10_000


class FakeState:
    fail_apply = False
    discarded = False
    value_cost = 1
    # Its ids are serials, whatever the era.
    eras_known = 0

    def __init__(self, head: Head, policy_revision: int, policy: bytes) -> None:
        self.head = head
        self.policy_revision = policy_revision
        self.policy = policy
        self.owners: dict[bytes, int] = {}
        self.requests: set[bytes] = set()
        self.decided: list[int] = []
        self.decided_ahead: list[int] = []
        # How many calls were decided at once beside the event loop.
        self.decided_beside: list[int] = []
        # What the next steps of a scrub come to, and how many rows each was asked for.
        self.scrubs: list[ScrubStep] = []
        self.steps: list[int] = []

    @property
    def identifier_count(self) -> int:
        return len(self.owners)

    @property
    def memory_bytes(self) -> int:
        return 0 if self.discarded else BASE_BYTES + 100 * len(self.owners)

    def discard(self) -> None:
        self.discarded = True

    def decide(self, groups: Sequence[ParsedGroup], now_us: int, entry_id: bytes) -> FakePlan:
        assert not self.discarded
        plan = FakePlan(self, entry_id, now_us)
        self.decided.append(sum(group.size for group in groups))
        if threading.current_thread() is not threading.main_thread():
            self.decided_beside.append(self.decided[-1])
        for group in groups:
            plan.all_answers.append([self._call(plan, line) for line in cast("list[str]", group.handle)])
        return plan

    def answer_hit(
        self, group: ParsedGroup, now_us: int, *, default_strong: bool = False, confirmed: bool = False
    ) -> bytes | None:
        (line,) = cast("list[str]", group.handle)
        kind, _, value = line.partition(":")
        if kind == "panic":
            raise EnginePanicError("answer_hit")
        content = kind == "local" or (kind == "default" and not default_strong)
        if content or (confirmed and kind in ("default", "read")):
            return answer(value, self.owners.get(digest_of(value), 0), self.head.seq)
        return None

    def _call(self, plan: FakePlan, line: str) -> Answer:
        kind, _, rest = line.partition(":")
        if kind == "refuse":
            return refused()
        if kind == "panic":
            raise EnginePanicError("decide")
        if kind == "bug":
            raise RuntimeError("jekyll@example.com")
        identity, _, value = rest.rpartition(":")
        if identity and (digest_of(identity) in self.requests or identity in plan.requests):
            return RepeatedCall(digest_of(identity), explain=False)
        known = self.owners.get(digest_of(value), plan.added.get(value))
        if kind in ("read", "local", "default"):
            plan.asks_strong |= kind == "read"
            plan.asks_default |= kind == "default"
            return answer(value, known or 0, self.head.seq)
        created = known is None
        serial = known if known is not None else len(self.owners) + len(plan.added) + 1
        if created:
            plan.added[value] = serial
        told = answer(value, serial, self.head.seq + 1)
        if identity:
            plan.requests[identity] = told.decode()
        return told

    def with_id_eras(self, id_eras: Sequence[int]) -> "FakeState":
        self.eras_known = len(id_eras)
        return self

    def returning_types(self, policy: bytes) -> list[str]:
        return ["phone"] if takes_phone(policy) and not takes_phone(self.policy) else []

    def decide_policy(
        self, policy: bytes, earlier: Sequence[bytes], now_us: int, entry_id: bytes
    ) -> FakePlan | UttersonError:
        took = [kept for kept in earlier if takes_phone(kept)]
        assert len(earlier) == len(took) == len(self.returning_types(policy)), "the newest that took the type, no other"
        if took and took[0].endswith(b"odd") is not policy.endswith(b"odd"):
            return UttersonError(Reason.POLICY_CHANGE_FORBIDDEN, "another form")
        if policy == b"forbidden":
            return UttersonError(Reason.POLICY_CHANGE_FORBIDDEN, "forbidden")
        return FakePlan(self, entry_id, now_us, policy_after=policy)

    def decide_import(
        self, messages: Sequence[bytes], now_us: int, entry_id: bytes
    ) -> FakePlan | UttersonError | RepeatedCall:
        if digest_of("import") in self.requests:
            return RepeatedCall(digest_of("import"), explain=False)
        plan = FakePlan(self, entry_id, now_us)
        for number, message in enumerate(messages):
            if message == b"bad":
                return UttersonError(Reason.FIELD_INVALID, f"messages[{number}]")
            plan.added[message.decode()] = len(self.owners) + len(plan.added) + 1
        told = json.dumps(list(plan.added.values()))
        plan.requests["import"] = told
        plan.all_answers.append([told.encode()])
        return plan

    def replay(self, row: LogRow) -> None:
        if (row.seq, row.prev) != (self.head.seq + 1, self.head.id):
            raise StateDivergedError("not the next entry")
        effects = json.loads(row.payload or b"{}")
        self.owners |= {bytes.fromhex(digest): serial for digest, serial in effects["added"].items()}
        self.requests |= {bytes.fromhex(digest) for digest in effects["requests"]}
        if effects["policy"] is not None:
            self.policy = effects["policy"].encode()
            self.policy_revision += 1
        if state_hash(self.owners) != row.state_hash:
            raise StateDivergedError("another state")
        self.head = Head(row.seq, row.id)

    def scrub(self, rows: int) -> ScrubStep:
        self.steps.append(rows)
        return self.scrubs.pop(0) if self.scrubs else ScrubStep(len(self.owners), round_over=True)

    def identifier_total(self, profile_id: int) -> int | None:
        return list(self.owners.values()).count(profile_id) or None

    def profile(
        self, profile_id: int, identifiers_max: int, after: IdentifierPosition | None = None
    ) -> FakeView | None:
        digests = [digest for digest, serial in self.owners.items() if serial == profile_id]
        if not digests:
            return None
        begin = 0 if after is None else digests.index(after.digest) + 1
        told = digests[begin : begin + identifiers_max]
        return FakeView(profile_id, profile_id, told, [profile_id] * len(told), [profile_id], len(digests))

    def revision_token(self, revision: Head) -> str:
        return f"{revision.seq}-{revision.id.hex()}"

    def read_token(self, token: str) -> Revision | None:
        seq, _, identity = token.partition("-")
        return Revision(int(seq), bytes.fromhex(identity)[:8]) if seq.isdigit() else None


def answer(value: str, serial: int, seq: int) -> bytes:
    return json.dumps({"value": value, "serial": serial, "seq": seq}).encode()


class FakeLoader:
    def __init__(self, snapshot: SnapshotHead) -> None:
        self._state = FakeState(snapshot.head, snapshot.policy_revision, snapshot.policy)
        self._state_hash = snapshot.state_hash
        self._taken: dict[str, bytes] = {}

    @property
    def rows(self) -> int:
        return sum(len(decode_copy(taken)) for taken in self._taken.values())

    def profiles(self, chunk: bytes) -> None:
        self._taken["profiles"] = self._taken.get("profiles", b"") + chunk

    def identifiers(self, chunk: bytes) -> None:
        self._taken["identifiers"] = self._taken.get("identifiers", b"") + chunk

    def traits(self, chunk: bytes) -> None:
        pass

    def requests(self, chunk: bytes) -> None:
        self._taken["requests"] = self._taken.get("requests", b"") + chunk

    def finish(self) -> FakeState:
        for row in decode_copy(self._taken["identifiers"]):
            self._state.owners[row[0] or b""] = struct.unpack(">q", row[1] or b"")[0]
        self._state.requests = {row[0] or b"" for row in decode_copy(self._taken["requests"])}
        if state_hash(self._state.owners) != self._state_hash:
            raise StateDivergedError("the tables are not the head's state")
        return self._state


class FakeEngine:
    """The doors. Requests are JSON: a unary one [workspace, line], a batch [[workspace, [line, …]], …]."""

    def parse_call(self, kind: CallKind, request: bytes) -> ParsedGroup:
        del kind
        workspace, line = json.loads(request)
        return ParsedGroup(workspace, [0], 1, [line], ReplyForm.UNARY)

    def parse_batch(self, request: bytes) -> ParsedMessage:
        if request == b"malformed":
            raise UttersonError(Reason.MALFORMED_REQUEST, "malformed")
        message: dict[str, Any] = json.loads(request)
        groups: dict[str, tuple[list[int], list[str]]] = {}
        for position, (workspace, line) in enumerate(message["calls"]):
            positions, lines = groups.setdefault(workspace, ([], []))
            positions.append(position)
            lines.append(line)
        parsed = [ParsedGroup(name, at, len(at), lines) for name, (at, lines) in groups.items()]
        return ParsedMessage(len(message["calls"]), message.get("sequence", 0), parsed, [])

    def parse_stream_message(self, request: bytes) -> ParsedMessage:
        return self.parse_batch(request)

    def group_faults(self, group: ParsedGroup) -> list[UttersonError | RefusedCall | None]:
        return [refused() if line == "refuse" else None for line in cast("list[str]", group.handle)]

    def check_request(self, message: str, request: bytes) -> UttersonError | None:
        del message, request
        return None

    def imported_workspace(self, message: bytes) -> str | None:
        return None if message == b"bad" else "soho"

    def imported_count(self, message: bytes) -> int:
        return int(message != b"bad")

    def encode_unary(self, resolution: bytes) -> bytes:
        return resolution

    def encode_batch(self, results: Sequence[tuple[bool, bytes]]) -> bytes:
        return json.dumps([[accepted, told.decode()] for accepted, told in results]).encode()

    def encode_stream_message(self, sequence: int, results: Sequence[tuple[bool, bytes]]) -> bytes:
        return json.dumps([sequence, [[accepted, told.decode()] for accepted, told in results]]).encode()

    def repeated_answer(self, recorded: bytes, explain: bool) -> bytes:
        del explain
        return recorded

    def check_policy(self, policy: bytes, in_force: bytes | None = None) -> CheckedPolicy:
        del in_force
        if policy == b"invalid":
            raise UttersonError(Reason.POLICY_INVALID, "invalid")
        return CheckedPolicy(policy, ())

    def taken_types(self, policy: bytes, names: Sequence[str]) -> list[str]:
        return list(names) if takes_phone(policy) else []

    def preset_policy(self, name: str) -> CheckedPolicy | None:
        return CheckedPolicy(b"preset", ()) if name == "unify" else None

    def preset_names(self) -> list[str]:
        return ["unify"]

    def loader(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> FakeLoader:
        del keys
        return FakeLoader(snapshot)

    def table_audit(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> FakeTableAudit:
        del keys
        return FakeTableAudit(snapshot)
