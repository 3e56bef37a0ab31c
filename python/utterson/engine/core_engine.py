"""The core's doors: parsing, encoding, policies, loading."""

from collections.abc import Sequence
from typing import Final, cast

from utterson import _core
from utterson.domain.calls import CallKind
from utterson.domain.chain import SnapshotHead, WorkspaceKeys
from utterson.domain.decisions import CheckedPolicy, ParsedGroup, ParsedMessage, RefusedCall, ReplyForm
from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.engine.audit import TableAudit
from utterson.engine.core_errors import core_errors, refusal, refused
from utterson.engine.state import StateLoader

# How long the core knows a request id (rule C7); the store keeps and loads what it tells.
REQUEST_RETENTION_US: Final = _core.REQUEST_RETENTION_US
# Where the one call of a unary request stands.
_ALONE = (0,)


def _group(native: _core.CallGroup) -> ParsedGroup:
    return ParsedGroup(native.workspace, native.positions, len(native), native, weight=native.weight)


def _batch(parsed: _core.CallMessage | _core.Fault, form: ReplyForm) -> ParsedMessage:
    if isinstance(parsed, _core.Fault):
        raise refusal(parsed)
    groups, faults, sequence = parsed.groups, parsed.faults, parsed.sequence
    if len(groups) == 1 and not faults:
        (native,) = groups
        size = len(native)
        return ParsedMessage(
            size,
            sequence,
            [ParsedGroup(native.workspace, range(size), size, native, form, sequence, native.weight)],
            [],
        )
    return ParsedMessage(
        parsed.size,
        sequence,
        [_group(native) for native in groups],
        [(position, fault.status) for position, fault in faults],
    )


class CoreEngine:
    """The Rust core. Holds no state of its own: states belong to their lanes."""

    def parse_call(self, kind: CallKind, request: bytes) -> ParsedGroup:
        """Decode one unary request."""
        with core_errors():
            parsed = _core.parse_call(int(kind), request)
        if isinstance(parsed, _core.Fault):
            raise refusal(parsed)
        return ParsedGroup(parsed.workspace, _ALONE, 1, parsed, ReplyForm.UNARY, 0, parsed.weight)

    def parse_batch(self, request: bytes) -> ParsedMessage:
        """Decode a `BatchResolveRequest`."""
        with core_errors():
            parsed = _core.parse_batch(request)
        return _batch(parsed, ReplyForm.BATCH)

    def parse_stream_message(self, request: bytes) -> ParsedMessage:
        """Decode a `StreamResolveRequest`."""
        with core_errors():
            parsed = _core.parse_stream_message(request)
        return _batch(parsed, ReplyForm.STREAM_MESSAGE)

    def group_faults(self, group: ParsedGroup) -> list[UttersonError | RefusedCall | None]:
        """Give what is wrong with each call whatever the workspace."""
        with core_errors():
            faults = cast("_core.CallGroup", group.handle).faults
            return [None if fault is None else refused(fault, group.form) for fault in faults]

    def check_request(self, message: str, request: bytes) -> UttersonError | None:
        """Count what an encoded request holds, before a message is made of it.

        Args:
            message: the full name of the request's message, for example `utterson.v1.GetProfileRequest`.
            request: the bytes.

        Returns:
            The refusal of a request that is over a bound (FIELD_INVALID, POLICY_INVALID) or no message at all
            (MALFORMED_REQUEST), else None.
        """
        with core_errors():
            fault = _core.check_request(message, request)
        return None if fault is None else refusal(fault)

    def imported_workspace(self, message: bytes) -> str | None:
        """Tell the workspace of an encoded `ImportProfilesRequest`; None if it is none."""
        with core_errors():
            return _core.imported_workspace(message)

    def imported_count(self, message: bytes) -> int:
        """Count the profiles of an encoded `ImportProfilesRequest`; 0 if it is none."""
        with core_errors():
            return _core.imported_count(message)

    def encode_unary(self, resolution: bytes) -> bytes:
        """Wrap a resolution into the response of a unary call."""
        with core_errors():
            return _core.encode_unary(resolution)

    def encode_batch(self, results: Sequence[tuple[bool, bytes]]) -> bytes:
        """Make a `BatchResolveResponse`."""
        with core_errors():
            return _core.encode_batch(results)

    def encode_stream_message(self, sequence: int, results: Sequence[tuple[bool, bytes]]) -> bytes:
        """Make a `StreamResolveResponse`."""
        with core_errors():
            return _core.encode_stream_message(sequence, results)

    def repeated_answer(self, recorded: bytes, explain: bool) -> bytes:  # noqa: FBT001 - the core's own form
        """Make the answer to a repeated call from the recorded one."""
        with core_errors():
            return _core.repeated_answer(recorded, explain)

    def check_policy(self, policy: bytes, in_force: bytes | None = None) -> CheckedPolicy:
        """Expand and check a policy, of a workspace that has another one in force or of a new one.

        Raises:
            UttersonError: POLICY_INVALID, with every fault named.
        """
        with core_errors():
            checked = _core.check_policy(policy, in_force)
        if checked.violations:
            raise UttersonError(
                Reason.POLICY_INVALID,
                "the policy has faults; correct the fields named in the details",
                violations=tuple(FieldViolation(field, description) for field, description in checked.violations),
            )
        return CheckedPolicy(checked.policy, tuple(checked.warnings))

    def preset_policy(self, name: str) -> CheckedPolicy | None:
        """Give a preset's policy, encoded."""
        with core_errors():
            preset = _core.preset_policy(name)
        return None if preset is None else CheckedPolicy(preset.policy, tuple(preset.warnings))

    def taken_types(self, policy: bytes, names: Sequence[str]) -> list[str]:
        """Tell which of some identifier types a policy takes that is kept."""
        with core_errors():
            return _core.taken_types(policy, names)

    def preset_names(self) -> list[str]:
        """Name the presets."""
        with core_errors():
            return _core.preset_names()

    def loader(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> StateLoader:
        """Begin to build a state from a snapshot of the tables."""
        with core_errors():
            return StateLoader(
                _core.StateLoader(
                    keys.workspace,
                    keys.digest_key,
                    keys.id_key,
                    keys.id_eras,
                    snapshot.policy_revision,
                    snapshot.policy,
                    snapshot.head.seq,
                    snapshot.head.id,
                    snapshot.commit_time_us,
                    snapshot.state_hash,
                )
            )

    def table_audit(self, keys: WorkspaceKeys, snapshot: SnapshotHead) -> TableAudit:
        """Begin to audit a snapshot of the tables."""
        with core_errors():
            return TableAudit(_core.TableAudit(keys.digest_key, snapshot.state_hash))
