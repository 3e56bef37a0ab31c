"""How long a commit may take; the lanes and the database's connections both keep to it."""

from pydantic import Field

from utterson.settings.group import SettingsGroup
from utterson.settings.kinds import Milliseconds


class CommitSettings(SettingsGroup):
    """The bounds of one commit."""

    commit_timeout_ms: Milliseconds = Field(
        default=5000, description="How long one commit may take before its outcome is looked up."
    )

    @property
    def outcome_timeout_ms(self) -> int:
        """How long an unknown outcome is looked up before OUTCOME_UNKNOWN is answered."""
        return 2 * self.commit_timeout_ms
