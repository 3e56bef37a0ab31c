"""What the process's log looks like: lines for people or for programs, on standard error."""

import json
import logging
import re
import sys
from typing import Final

from utterson.settings.logging import LogFormat, LogLevel

_KIND: Final = "once_a_second"
# Of each of its sentences: every pool says the same while the database is away, each for itself.
_DRIVER: Final = "asyncpg"
PACE_S: Final = 1.0


def once_a_second(kind: str) -> dict[str, str]:
    """Give a line's `extra` that makes it one of a kind: of each kind the log takes one line a second."""
    return {_KIND: kind}


class _Pace(logging.Filter):
    """Takes one line a kind and second. The next one tells how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        # By kind: when its last line was written, in seconds since 1970, and how many were left out since.
        self._written: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is written; those that are of no kind always are."""
        kind = getattr(record, _KIND, None)
        if kind is None and record.name.partition(".")[0] == _DRIVER:
            kind = f"{_DRIVER}: {record.msg}"
        if kind is None:
            return True
        written_at_s, left_out = self._written.get(kind, (float("-inf"), 0))
        # A clock that was set back keeps nobody silent.
        if written_at_s <= record.created < written_at_s + PACE_S:
            self._written[kind] = (written_at_s, left_out + 1)
            return False
        self._written[kind] = (record.created, 0)
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} more like this since the last such line)"
            record.args = None
        return True


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record down."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info is not None and record.exc_info[0] is not None:
            # The kind only: an exception's text may quote values.
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


class _TextFormatter(logging.Formatter):
    """Lines for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Write a record down, its exception beside the message: each line of the log has a time."""
        told = super().format(record)
        return told.replace(f"\n{record.exc_text}", f" {record.exc_text}") if record.exc_text else told

    def formatException(self, ei: object) -> str:  # noqa: N802 - the name is logging's
        """Tell an exception's kind only: its text may quote values."""
        kind = ei[0] if isinstance(ei, tuple) else None
        return f"({kind.__name__})" if isinstance(kind, type) else ""


class _WithoutCallersBytes(logging.Filter):
    """Lets gRPC's library say what is wrong, but not quote what callers sent, nor say so for each of their calls."""

    # Where a sentence begins to quote.
    QUOTE: Final = re.compile(r"[%'\"\[(<{:]|\bb'")
    # A caller has gone or reset its call, which is no news.
    GONE: Final = "ExecuteBatchError"
    PAUSE_S: Final = 1.0
    SENTENCES_MAX: Final = 64

    def __init__(self) -> None:
        super().__init__()
        self._told_at_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is written; those of the library are cut where they begin to quote."""
        if record.name.partition(".")[0] != "grpc":
            return True
        if self.GONE in record.getMessage():
            return False
        # The sentence without its arguments: what callers sent is among those.
        sentence = self.QUOTE.split(str(record.msg), maxsplit=1)[0].strip()
        told_at_s = self._told_at_s.get(sentence, float("-inf"))
        if told_at_s <= record.created < told_at_s + self.PAUSE_S:
            return False
        if len(self._told_at_s) >= self.SENTENCES_MAX:
            self._told_at_s.clear()
        self._told_at_s[sentence] = record.created
        record.msg, record.args = f"{sentence} …", None
        return True


def configure_logging(level: LogLevel, log_format: LogFormat) -> None:
    """Send the log to standard error, in the form and from the level of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if log_format is LogFormat.JSON else _TextFormatter())
    handler.addFilter(_WithoutCallersBytes())
    handler.addFilter(_Pace())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.value.upper())
