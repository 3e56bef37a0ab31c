"""How states in memory and tables are watched over."""

from typing import Annotated

from pydantic import Field

from utterson.settings.group import SettingsGroup


class SoundnessSettings(SettingsGroup):
    """How much the scrub and the audit may take."""

    scrub_percent: Annotated[int, Field(ge=0, le=100)] = Field(
        default=1, description="How much of one core may look for faults of the states in memory; 0 for none."
    )
    audit_hours: Annotated[int, Field(ge=0)] = Field(
        default=24, description="How often the tables of a workspace in use are audited against its log; 0 for never."
    )
