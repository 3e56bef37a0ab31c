"""The one error of the embedded Postgres."""

from utterson.domain.startup import StartupError


class EmbeddedPostgresError(StartupError):
    """Postgres cannot be started or reached; the message is one sentence that says what to do."""
