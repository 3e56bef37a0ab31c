"""What the store and the use cases hand to each other. Messages of the API travel as encoded bytes."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

# What an answer may hold of stored things, in bytes: clients of gRPC take 4 MiB of a message unless told otherwise.
ANSWER_BYTES_MAX: Final = 2 * 1024 * 1024
# What an answer tells of one profile's traits, and of its identifiers.
TRAIT_BYTES_MAX: Final = ANSWER_BYTES_MAX
IDENTIFIER_BYTES_MAX: Final = 512 * 1024
# What an answer tells of several profiles, each as if it were told alone.
PROFILES_BYTES_MAX: Final = 3 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace and the policy in force.

    `policy` is an encoded `utterson.v1.Policy` with presets expanded; times are microseconds since 1970.
    """

    workspace: str
    policy: bytes
    policy_revision: int
    etag: str
    create_time_us: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyRevisionRecord:
    """One policy that a workspace had; `policy` is an encoded `utterson.v1.Policy`."""

    policy_revision: int
    policy: bytes
    create_time_us: int


@dataclass(frozen=True, slots=True)
class IdentifierRecord:
    """One identifier that a profile holds; `seen_day` is in days since 1970, UTC.

    `revision` is the token of the state after the call that added it; empty where that is not told.
    """

    type: str
    raw_value: str
    normalized_value: str
    create_time_us: int
    seen_day: int
    revision: str = ""


@dataclass(frozen=True, slots=True)
class TraitRecord:
    """One trait that is set; `value` is an encoded `google.protobuf.Value`."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class SetTraitRecord:
    """One trait with its time; `value` is an encoded `google.protobuf.Value`, None where the trait was removed.

    `revision` names the state after the call that set or removed it.
    """

    name: str
    value: bytes | None
    event_time_us: int
    revision: str


@dataclass(frozen=True, slots=True)
class ProfileRecord:
    """One profile, the survivor where the id asked for was merged away.

    Identifiers come by priority, then by time added; traits by name. `identifiers_truncated` and `traits_truncated` say
    that there are more of them than an answer may hold: told are the first identifiers and the newest traits.
    `merged_into` is the survivor's id where the id asked for was merged away, else 0. `create_time_us` is the earliest
    of its own and of those that were joined into it. `size_bytes` is about what it takes in an answer, and not less.
    """

    profile_id: int
    identifiers: tuple[IdentifierRecord, ...]
    traits: tuple[TraitRecord, ...]
    known: bool
    merges: int
    source_profile_id: int
    create_time_us: int
    merged_into: int
    identifiers_truncated: bool = False
    traits_truncated: bool = False
    size_bytes: int = 0

    @property
    def orphaned(self) -> bool:
        """Tell whether the profile holds no identifier at all."""
        return not self.identifiers


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list; `next_page_token` is empty when there are no more."""

    items: list[Item]
    next_page_token: str
