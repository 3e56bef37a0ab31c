"""What the process logs, and how."""

from enum import StrEnum

from pydantic import Field

from utterson.settings.group import SettingsGroup


class LogLevel(StrEnum):
    """How much the process logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """What a log line looks like."""

    TEXT = "text"
    JSON = "json"


class LoggingSettings(SettingsGroup):
    """The process's log."""

    log_level: LogLevel = Field(default=LogLevel.INFO, description="How much is logged.")
    log_format: LogFormat = Field(
        default=LogFormat.TEXT, description="Log lines for people (text) or for programs (json)."
    )
