"""Where a test makes the process break off. Read like the other settings, and shown in no help."""

from typing import Annotated

from pydantic import Field

from utterson.domain.failpoints import FailpointBehaviour, FailpointChoice, FailpointPlace
from utterson.settings.group import SettingsGroup


class FailpointSettings(SettingsGroup):
    """One failpoint; off unless a test names its place."""

    failpoint: FailpointPlace = Field(
        default=FailpointPlace.NONE, description="For tests: where on a commit's way the process breaks off."
    )
    failpoint_behaviour: FailpointBehaviour = Field(
        default=FailpointBehaviour.KILL, description="For tests: how the process breaks off at its failpoint."
    )
    failpoint_passes: Annotated[int, Field(ge=0)] = Field(
        default=0, description="For tests: how often the failpoint is passed unharmed before."
    )

    @property
    def failpoint_choice(self) -> FailpointChoice:
        """The failpoint as the lanes take it."""
        return FailpointChoice(self.failpoint, self.failpoint_behaviour, self.failpoint_passes)
