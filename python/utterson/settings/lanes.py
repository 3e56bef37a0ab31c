"""The bounds that the lanes and the use cases keep."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from utterson.settings.commits import CommitSettings
from utterson.settings.kinds import Count, Milliseconds, MillisecondsOrZero
from utterson.settings.machine import machine_bytes


class Consistency(StrEnum):
    """How fresh the answer to a call that changes nothing must be."""

    STRONG = "strong"
    LOCAL = "local"


class LaneSettings(CommitSettings):
    """How much waits, how much is decided together, how fresh answers are, and how long work may take."""

    default_consistency: Consistency = Field(
        default=Consistency.STRONG,
        description="Freshness of answers that change nothing, when the caller asks for none.",
    )
    staleness_ms: Milliseconds = Field(
        default=100, description="How long after the last look at the database a local answer may be given."
    )
    gather_ms_max: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=5, description="How long a commit may wait for more calls to join it."
    )
    batch_calls_max: Count = Field(default=1000, description="Calls decided and committed together, at most.")
    queue_calls_max: Count = Field(
        default=10_000, description="Calls that may wait in one workspace; further ones are refused."
    )
    stream_messages_max: Count = Field(
        default=16, description="Messages of one stream that may be on their way at once; further ones are not read."
    )
    import_timeout_ms: Milliseconds = Field(
        default=120_000, description="How long the commit of an import may take before its outcome is looked up."
    )
    at_least_timeout_ms: Milliseconds = Field(
        default=5000, description="How long a read waits for the revision that it asks for."
    )
    head_poll_ms: Milliseconds = Field(
        default=50, description="How often a busy workspace is checked for commits of other servers."
    )
    state_bytes_max: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="Memory that workspaces may take; beyond it whichever was not used for longest is loaded anew with "
        "its next call. 0 for a half of the machine's, or of the container's.",
    )
    state_idle_ms_min: MillisecondsOrZero = Field(
        default=1000, description="How long a workspace is not used at least before it leaves the memory."
    )
    workspaces_max: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(
        default=100_000, description="Workspaces that the database may have; no further ones are made."
    )
    loads_max: Count = Field(default=3, description="Workspaces that are loaded into memory at the same time.")
    load_timeout_ms: Milliseconds = Field(
        default=600_000, description="How long loading one workspace into memory may take."
    )

    @property
    def state_bytes(self) -> int:
        """What workspaces may take in memory: as set, or a half of what there is."""
        return self.state_bytes_max or machine_bytes() // 2

    @property
    def default_strong(self) -> bool:
        """Whether a call without a wish for consistency gets a confirmed answer."""
        return self.default_consistency is Consistency.STRONG
