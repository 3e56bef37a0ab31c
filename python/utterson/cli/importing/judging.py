"""The rules of the server, asked before anything is sent: by the engine that comes with this package."""

import secrets
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from utterson.cli.importing.records import Finding, ImportFileError, Record
from utterson.cli.policy_json import PolicyFormError, read_policy
from utterson.client import UttersonClient
from utterson.domain.errors import UttersonError
from utterson.engine.core_engine import CoreEngine
from utterson.engine.judge import JudgedProfile, ProfileJudge
from utterson.v1 import policy_pb2, workspace_service_pb2

_KEY_BYTES: Final = 16
_NAME_BYTES_MAX: Final = 256
NUL: Final = "U+0000"
# So the engine begins where no identifier of a call is left.
ALL_SET_ASIDE: Final = "every one of them is set aside"
NAME_TOO_LONG: Final = f"must be at most {_NAME_BYTES_MAX} bytes long"
NAME_NUL: Final = f"must not hold the character {NUL}"

BLOCKED: Final = "the policy blocks the value: it is set aside"
IGNORED: Final = "the policy ignores the type: it is set aside"
IN_FUTURE: Final = (
    "must not lie in the future: it is ahead of the server's time, and a profile taken over has been made already"
)
VALUES_EXCEEDED: Final = "more values of the type than the policy's limit: no later call adds one"
IDENTIFIERS_EXCEEDED: Final = "more identifiers than the policy's max_identifiers: no later call adds one"
MERGES_EXCEEDED: Final = "more merges than the policy's max_merges: no later call merges it"


def policy_of_file(path: Path) -> policy_pb2.Policy:
    """Read a policy, check it and write all its defaults out.

    Raises:
        ImportFileError: it is none.
    """
    try:
        policy = read_policy(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ImportFileError(f"{path}: is neither YAML nor JSON") from None
    except PolicyFormError as error:
        raise ImportFileError(f"{path}: {error}") from None
    try:
        checked = CoreEngine().check_policy(policy.SerializeToString())
    except UttersonError as error:
        faults = "; ".join(f"{fault.field}: {fault.description}" for fault in error.violations)
        raise ImportFileError(f"{path}: {faults}") from None
    return policy_pb2.Policy.FromString(checked.policy)


def policy_of_preset(name: str) -> policy_pb2.Policy:
    """Give a preset's policy; ImportFileError where there is no such preset."""
    checked = CoreEngine().preset_policy(name)
    if checked is None:
        raise ImportFileError(f"there is no preset {name}")
    return policy_pb2.Policy.FromString(checked.policy)


async def policy_of_workspace(client: UttersonClient, workspace: str) -> policy_pb2.Policy:
    """Ask the server for a workspace's policy; CallRefused where there is none."""
    return (await client.get_workspace(workspace)).policy


class RecordJudge:
    """Says of records what an import would say of them, and what it would let pass though it is hardly meant.

    Args:
        policy: as it is kept.
        now_s: the time, in seconds since 1970.
    """

    def __init__(self, policy: policy_pb2.Policy, now_s: float) -> None:
        self._judge = ProfileJudge(policy.SerializeToString(), secrets.token_bytes(_KEY_BYTES))
        self._merges = policy.HasField("merge")
        self._policy = policy
        self._sets_aside = policy.invalid_identifiers == policy_pb2.INVALID_IDENTIFIERS_SET_ASIDE
        # A policy that is kept says it, but for those of 0.1, which bound no time.
        bounded = policy.HasField("future_tolerance")
        self._latest_s = now_s if bounded else float("inf")
        self._limits = {one.name: one.limit.max_values for one in policy.identifier_types}
        self._unique = {one.name for one in policy.identifier_types if one.unique}

    def judge(self, records: Sequence[Record]) -> list[list[bytes]]:
        """Add what there is to find to each record.

        Returns:
            Of each record digests of those identifiers that one profile alone may have.
        """
        judged = self._judged(records)
        for record, profile, one in judged:
            self._take(record, profile, one)
        return [[digest for _, digest in self._exclusive(*one)] for one in judged]

    def exclusive(self, records: Sequence[Record]) -> list[list[tuple[int, bytes]]]:
        """Tell of each record which identifiers one profile alone may have: place and digest."""
        return [self._exclusive(*one) for one in self._judged(records)]

    def _judged(
        self, records: Sequence[Record]
    ) -> list[tuple[Record, workspace_service_pb2.ImportedProfile, JudgedProfile]]:
        judged = self._judge.judge([_encoded(record) for record in records])
        return [(record, record.profile(), one) for record, one in zip(records, judged, strict=True)]

    def _exclusive(
        self, record: Record, profile: workspace_service_pb2.ImportedProfile, judged: JudgedProfile
    ) -> list[tuple[int, bytes]]:
        if record.call is not None:
            return []
        pairs = zip(judged.usable, judged.digests, strict=True)
        return [pair for pair in pairs if self._merges or profile.identifiers[pair[0]].type in self._unique]

    def _take(self, record: Record, profile: workspace_service_pb2.ImportedProfile, judged: JudgedProfile) -> None:
        for name, description in judged.faults:
            is_doubt = record.call is not None and self._is_set_aside(name, description)
            record.findings.append(Finding(description, _name_in(record, name), is_doubt=is_doubt))
        if record.call is not None and record.call.HasField("track"):
            event = record.call.track.event
            for name, text in (("name", event.name), ("message_id", event.message_id)):
                record.findings += [Finding(what, f"event.{name}") for what in _faults_of_name(text)]
        record.findings += [Finding(BLOCKED, f"identifiers[{place}]", is_doubt=True) for place in judged.blocked]
        record.findings += [Finding(IGNORED, f"identifiers[{place}]", is_doubt=True) for place in judged.ignored]
        if record.call is not None:
            return
        made = profile.create_time
        if profile.HasField("create_time") and made.seconds + made.nanos / 1e9 > self._latest_s:
            record.findings.append(Finding(IN_FUTURE, "create_time"))
        if self._merges:
            self._look_at_limits(record, profile, judged)

    def _is_set_aside(self, name: str, description: str) -> bool:
        """Tell whether a call goes on without a value, where a profile may not."""
        if not self._sets_aside or NUL in description:
            return False
        return name.endswith(".value") or description.startswith(ALL_SET_ASIDE)

    def _look_at_limits(
        self, record: Record, profile: workspace_service_pb2.ImportedProfile, judged: JudgedProfile
    ) -> None:
        counts = Counter(profile.identifiers[place].type for place in judged.usable)
        of_others = self._policy.default_type.limit.max_values
        for name, count in counts.items():
            limit = self._limits.get(name, of_others)
            if 0 < limit < count:
                record.findings.append(Finding(VALUES_EXCEEDED, name, is_doubt=True))
        merge = self._policy.merge
        if 0 < merge.max_identifiers < len(judged.usable):
            record.findings.append(Finding(IDENTIFIERS_EXCEEDED, is_doubt=True))
        if merge.HasField("max_merges") and profile.merges > merge.max_merges:
            record.findings.append(Finding(MERGES_EXCEEDED, "merges", is_doubt=True))


def _encoded(record: Record) -> bytes:
    """Give what there is to judge; of a call its identifiers, and its traits or properties."""
    if record.call is None:
        return record.encoded
    if record.call.HasField("identify"):
        request = record.call.identify
        profile = workspace_service_pb2.ImportedProfile(identifiers=request.identifiers, traits=request.traits)
    else:
        track = record.call.track
        profile = workspace_service_pb2.ImportedProfile(identifiers=track.identifiers, traits=track.event.properties)
    return profile.SerializeToString()


def _name_in(record: Record, name: str) -> str:
    """Name a field as the call has it."""
    is_property = record.call is not None and record.call.HasField("track") and name.startswith("traits")
    return f"event.properties{name.removeprefix('traits')}" if is_property else name


def _faults_of_name(text: str) -> list[str]:
    too_long = [NAME_TOO_LONG] if len(text.encode()) > _NAME_BYTES_MAX else []
    return [*too_long, *([NAME_NUL] if "\0" in text else [])]
