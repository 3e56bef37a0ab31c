# ruff: noqa: PYI021 - the interface is documented here, where its callers look.
"""The Rust core: decides calls, keeps the hot index, applies effects. Pure: no I/O, no clock, no randomness.

Every function that does real work lets other Python threads run meanwhile. Times are microseconds since 1970
(`_us`), digests and entry ids are 16 bytes, state hashes 48 bytes (graph, traits, events).
"""

from collections.abc import Sequence
from typing import final

# Parts of this stub, there being no such modules: files of the house are short.
from utterson._core_audit import TableAudit as TableAudit
from utterson._core_front import Front as Front

__all__ = [
    "AUDIT_DISAGREEMENTS",
    "COMMIT_COLUMNS",
    "REQUEST_RETENTION_US",
    "SCRUB_FINDINGS",
    "UNICODE_VERSION",
    "CallGroup",
    "CallMessage",
    "CheckedPolicy",
    "Fault",
    "FormatUnknownError",
    "Front",
    "LogEntry",
    "Plan",
    "ProfileView",
    "RepeatedCall",
    "State",
    "StateDivergedError",
    "StateLoader",
    "TableAudit",
    "check_policy",
    "check_request",
    "encode_batch",
    "encode_stream_message",
    "encode_unary",
    "imported_count",
    "imported_workspace",
    "parse_batch",
    "parse_call",
    "parse_stream_message",
    "preset_names",
    "preset_policy",
    "repeated_answer",
    "taken_types",
]

UNICODE_VERSION: str
# How long a request id stays used (rule C7).
REQUEST_RETENTION_US: int
# What `State.scrub` and `TableAudit.finish` may tell.
SCRUB_FINDINGS: tuple[str, ...]
AUDIT_DISAGREEMENTS: tuple[str, ...]
# Name and element type of each column of a plan, in the order of `commit_batch`.
COMMIT_COLUMNS: tuple[tuple[str, str], ...]

class StateDivergedError(Exception):
    """The state and the log or the tables disagree: drop the workspace's state and load it anew."""

class FormatUnknownError(Exception):
    """A log entry has a format version that this build does not know: stop serving the workspace."""

@final
class Fault:
    """Why a call was refused; becomes an `UttersonError`."""

    @property
    def reason(self) -> int:
        """The number in `utterson.v1.ErrorReason`."""
    @property
    def message(self) -> str:
        """One sentence that says what to do; never a value."""
    @property
    def violations(self) -> list[tuple[str, str]]:
        """Path and description of each field at fault, in the order of the request."""
    @property
    def resource(self) -> tuple[str, str] | None:
        """What the fault is about: `("workspace", id)` or `("profile", public id)`."""
    @property
    def status(self) -> bytes:
        """The encoded `google.rpc.Status`, as the results of a batch or of a stream's message hold it."""

@final
class RepeatedCall:
    """A call that repeats an accepted one: answer what was recorded under `digest`."""

    @property
    def digest(self) -> bytes: ...
    @property
    def explain(self) -> bool: ...

@final
class CallGroup:
    """Calls that arrived together for one workspace, in order; decoded once."""

    @property
    def workspace(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def positions(self) -> list[int]:
        """Where each call stands in the message that it came with."""
    @property
    def faults(self) -> list[Fault | None]:
        """What is wrong with each call whatever the workspace; `decide` answers the same."""
    def __len__(self) -> int: ...

@final
class CallMessage:
    """A decoded batch or stream message, split by workspace."""

    @property
    def size(self) -> int:
        """How many calls the message holds."""
    @property
    def sequence(self) -> int:
        """The caller's number of a stream message; 0 for a batch."""
    @property
    def groups(self) -> list[CallGroup]: ...
    @property
    def faults(self) -> list[tuple[int, Fault]]:
        """Calls that belong to no workspace, by position: malformed ones, and those whose workspace is missing."""

def parse_call(kind: int, request: bytes) -> CallGroup | Fault:
    """Decode the request of a unary call.

    A faulty field is a fault within the group; only what belongs to no workspace is a `Fault` here.

    Args:
        kind: the number of the call's kind (`utterson.v1.CallKind`, 7 for a Search).
        request: the encoded request.
    """

def parse_batch(request: bytes) -> CallMessage | Fault:
    """Decode a `BatchResolveRequest`; the fault is that of the message as a whole."""

def parse_stream_message(request: bytes) -> CallMessage | Fault:
    """Decode a `StreamResolveRequest`; the fault is that of the message as a whole."""

def check_request(message: str, request: bytes) -> Fault | None:
    """Count what an encoded request holds (`message`: its full name); a fault where it is over a bound, or none."""

def imported_workspace(message: bytes) -> str | None:
    """Tell the workspace of an encoded `ImportProfilesRequest`; None if it is none."""

def imported_count(message: bytes) -> int:
    """Count the profiles of an encoded `ImportProfilesRequest` without reading them; 0 if it is none."""

def encode_unary(resolution: bytes) -> bytes:
    """Wrap an encoded `Resolution` into the response of its unary call: all of them have one shape."""

def encode_batch(results: Sequence[tuple[bool, bytes]]) -> bytes:
    """Make a `BatchResolveResponse` of (accepted?, encoded `Resolution` or `google.rpc.Status`) pairs."""

def encode_stream_message(sequence: int, results: Sequence[tuple[bool, bytes]]) -> bytes:
    """Make a `StreamResolveResponse` of the same."""

def repeated_answer(recorded: bytes, explain: bool) -> bytes:
    """Make the answer to a repeated call, its explanation left out unless asked for; ValueError for no `Resolution`."""

@final
class CheckedPolicy:
    """A policy as it will be kept, or everything that is wrong with it."""

    @property
    def policy(self) -> bytes: ...
    @property
    def warnings(self) -> list[str]: ...
    @property
    def violations(self) -> list[tuple[str, str]]: ...

def check_policy(policy: bytes, in_force: bytes | None = None) -> CheckedPolicy:
    """Check an encoded `utterson.v1.Policy`, of a workspace with another one in force, and write all defaults out."""

def preset_policy(name: str) -> CheckedPolicy | None:
    """Give a preset's policy, encoded and expanded; None where no preset has this name."""

def taken_types(policy: bytes, names: Sequence[str]) -> list[str]:
    """Tell which of some identifier types a kept policy takes; ValueError where it is none that this build knows."""

def preset_names() -> list[str]:
    """Name the presets."""

@final
class LogEntry:
    """The log entry of a plan that writes."""

    @property
    def seq(self) -> int: ...
    @property
    def id(self) -> bytes: ...
    @property
    def prev(self) -> bytes: ...
    @property
    def policy_revision(self) -> int: ...
    @property
    def commit_time_us(self) -> int: ...
    @property
    def state_hash(self) -> bytes: ...
    @property
    def payload(self) -> bytes: ...

@final
class Plan:
    """What a batch of calls would do: answers, and the effects to commit. An unknown group raises IndexError."""

    @property
    def writes(self) -> bool: ...
    @property
    def asks_strong(self) -> bool:
        """Whether a call that changes nothing, and hangs on the state, asks for CONSISTENCY_STRONG."""
    @property
    def asks_default(self) -> bool:
        """The same for calls that leave the consistency to the server."""
    @property
    def weight(self) -> int: ...
    @property
    def entry(self) -> LogEntry:
        """The log entry; ValueError where the plan does not write."""
    @property
    def unknown(self) -> list[tuple[bytes, int]]:
        """Identifiers, each a digest and its holder's serial, whose values the answers tell and the tables have."""
    def columns(self) -> tuple[bytes, ...]:
        """Give the columns of the net effects, in the order of `commit_batch`, as arrays in Postgres' binary format."""
    def unary_response(self, group: int) -> bytes | None:
        """Give the whole response of a unary request whose one call this group is; None if refused or repeated."""
    def batch_response(self, group: int) -> bytes | None:
        """Give the whole `BatchResolveResponse` of a message that is this group and nothing else.

        None where a call of it was repeated: then the response is put together of `answers`.
        """
    def stream_response(self, group: int, sequence: int) -> bytes | None:
        """Give the whole `StreamResolveResponse` in the same way."""
    def answers(self, group: int) -> list[bytes | Fault | RepeatedCall]:
        """Give one answer a call of the group: an encoded `Resolution`, a refusal or a repetition.

        A changed policy has none, an import one: the encoded response, as group 0.
        """

@final
class ProfileView:
    """One profile in the state; `digests` and `holders` (serials) side by side, by priority, then time added."""

    @property
    def profile_id(self) -> int: ...
    @property
    def serial(self) -> int: ...
    @property
    def merged_into(self) -> int: ...
    @property
    def members(self) -> list[int]: ...
    @property
    def known(self) -> bool: ...
    @property
    def merges(self) -> int: ...
    @property
    def source_profile_id(self) -> int: ...
    @property
    def identifier_total(self) -> int: ...
    @property
    def digests(self) -> list[bytes]: ...
    @property
    def holders(self) -> list[int]: ...

@final
class State:
    """All of one workspace in memory; its lane owns it. Calls from two threads wait for one another.

    Every member raises `StateDivergedError` once the state is broken: after an entry that did not fit, or where the
    core broke off. Entry ids are 16 bytes, keys too, else ValueError.
    """

    @property
    def head(self) -> tuple[int, bytes]: ...
    @property
    def commit_time_us(self) -> int: ...
    @property
    def policy_revision(self) -> int: ...
    @property
    def policy(self) -> bytes: ...
    @property
    def state_hash(self) -> bytes: ...
    @property
    def profile_count(self) -> int: ...
    @property
    def identifier_count(self) -> int: ...
    @property
    def memory_bytes(self) -> int:
        """How much memory the state takes; 0 once it is broken."""
    def discard(self) -> None:
        """Free the memory; the state is broken afterwards. Other threads run meanwhile: it can take a while."""
    def decide(self, groups: Sequence[CallGroup], now_us: int, entry_id: bytes) -> Plan:
        """Decide calls in order, leaving the state as it was; `entry_id` is the log entry's fresh identity."""
    def decide_after(self, plan: Plan, groups: Sequence[CallGroup], now_us: int, entry_id: bytes) -> Plan:
        """Decide calls on the state that another plan leads to, leaving the state as it was, without either."""
    def complete(self, plan: Plan, groups: Sequence[CallGroup], values: Sequence[tuple[bytes, int, str]]) -> Plan:
        """Make the same plan with the values of its unknown identifiers: digest, holder, value as sent."""
    def answer_hit(
        self, group: CallGroup, now_us: int, *, default_strong: bool = False, confirmed: bool = False
    ) -> bytes | None:
        """Answer a unary call at once, on the committed state: the encoded response.

        `confirmed` is for whoever holds it back until the state's head is confirmed: it suits every call. None if the
        call writes, is refused or repeated, asks for a confirmed state, or if a thread has the state. Never waits.
        """
    def returning_types(self, policy: bytes) -> list[str]:
        """Name types that a policy takes, the one in force does not, and that are held; may walk over all profiles."""
    def decide_policy(self, policy: bytes, earlier: Sequence[bytes], now_us: int, entry_id: bytes) -> Plan | Fault:
        """Decide a change of the policy (an encoded `utterson.v1.Policy`).

        `earlier` are policies before the one in force, as they are kept, newest first: for each of the
        `returning_types` the newest that took it, which tells in which form identifiers of it are held.
        ValueError where one of them is no policy.
        """
    def decide_import(self, messages: Sequence[bytes], now_us: int, entry_id: bytes) -> Plan | Fault | RepeatedCall:
        """Decide the take-over of a graph (encoded `ImportProfilesRequest`s), all or nothing."""
    def apply(self, plan: Plan) -> None:
        """Take in a plan of this state that was committed."""
    def replay(
        self,
        seq: int,
        id: bytes,
        prev: bytes,
        policy_revision: int,
        commit_time_us: int,
        state_hash: bytes,
        payload: bytes,
    ) -> None:
        """Take in the next entry of the log.

        Raises:
            FormatUnknownError: a newer build wrote it; the state stays as it was.
            StateDivergedError: it does not follow the head, does not fit, leads to another state, or has no payload.
        """
    @property
    def value_cost(self) -> int:
        """Tell about how long the policy takes for one value at the worst, beside what an ordinary one takes."""
    def identifier_total(self, profile_id: int) -> int | None:
        """Tell how many identifiers a profile holds, without looking at them; None for an id that is nobody's."""
    def profile(
        self, profile_id: int, identifiers_max: int = ..., after: tuple[str, int, bytes] | None = None
    ) -> ProfileView | None:
        """Tell a profile by its public id; the survivor where it was merged away (rule M9).

        Its first identifiers are told, or the first after a place: type, time added in microseconds, digest.
        """
    def revision_token(self, seq: int, id: bytes) -> str:
        """Write the token of a log entry."""
    def read_token(self, token: str) -> tuple[int, bytes] | None:
        """Read a token: seq and the first 8 bytes of the entry's id; None where it is not one of this workspace."""
    def request_digest(self, request_id: str) -> bytes:
        """Give the digest under which a request id is kept."""
    def set_id_eras(self, id_eras: Sequence[int]) -> None:
        """Number profile ids by these eras; raises `StateDivergedError` if by them two profiles could have one id."""
    def scrub(self, rows: int) -> tuple[int, bool, str | None]:
        """Take the scrub on by about so many rows: rows walked, whether a round ended, and one of `SCRUB_FINDINGS`."""
    def check_invariants(self) -> list[str]:
        """Tell everything that is wrong with the state; nothing should be. Costs a walk over all of it."""

@final
class StateLoader:
    """Builds a workspace's state from the tables, read in one snapshot, fed as Postgres binary COPY chunks.

    Chunk borders may lie anywhere. All profiles come before the first identifier. Where rows are not what the tables
    promise every method raises `StateDivergedError`; a policy of a newer build raises `FormatUnknownError`.
    """

    def __new__(
        cls,
        workspace: str,
        digest_key: bytes,
        id_key: bytes,
        id_eras: Sequence[int],
        policy_revision: int,
        policy: bytes,
        head_seq: int,
        head_id: bytes,
        commit_time_us: int,
        state_hash: bytes,
    ) -> StateLoader: ...
    @property
    def rows(self) -> int:
        """How many rows of all tables were taken so far; may be asked while another thread feeds."""
    def profiles(self, chunk: bytes) -> None:
        """Take rows of serial, create_time_us, source, merges, merged_into; in the order of the serials."""
    def identifiers(self, chunk: bytes) -> None:
        """Take rows of digest, profile, type, added_us, seen_day, exclusive."""
    def traits(self, chunk: bytes) -> None:
        """Take rows of profile, name, value, time_us, seq, position."""
    def requests(self, chunk: bytes) -> None:
        """Take rows of digest, fingerprint, commit_time_us, seq."""
    def finish(self) -> State:
        """Check the rows against the head's state hash and give the state."""
