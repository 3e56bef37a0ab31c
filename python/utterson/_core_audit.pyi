# ruff: noqa: PYI021 - the interface is documented here, where its callers look.
"""A part of the stub of `utterson._core`, where what is in here stands at run time."""

from typing import final

@final
class TableAudit:
    """Holds a workspace's tables against the state hash of their head; fed and refusing as `StateLoader`."""

    def __new__(cls, digest_key: bytes, state_hash: bytes) -> TableAudit: ...
    @property
    def rows(self) -> int: ...
    def profiles(self, chunk: bytes) -> None:
        """Take the rows that `StateLoader` takes."""
    def identifiers(self, chunk: bytes) -> None:
        """Take rows of digest, profile, type, normalized_value, added_us."""
    def traits(self, chunk: bytes) -> None:
        """Take the rows that `StateLoader` takes."""
    def events(self, chunk: bytes) -> None:
        """Take rows of profile, time_us, seq, position, record."""
    def finish(self) -> list[tuple[str, int]]:
        """Tell what is wrong, each one of `AUDIT_DISAGREEMENTS` with how often, or 1 where a hash tells only that."""
