"""The audit of the tables, as the core does it."""

from utterson import _core
from utterson.domain.soundness import AuditFinding
from utterson.engine.core_errors import core_errors


class TableAudit:
    """Holds the tables' rows against the state hash of their head; chunk borders may lie anywhere."""

    def __init__(self, native: _core.TableAudit) -> None:
        self._native = native

    @property
    def rows(self) -> int:
        """How many rows were taken so far."""
        return self._native.rows

    def profiles(self, chunk: bytes) -> None:
        """Take rows of profiles."""
        with core_errors():
            self._native.profiles(chunk)

    def identifiers(self, chunk: bytes) -> None:
        """Take rows of identifiers."""
        with core_errors():
            self._native.identifiers(chunk)

    def traits(self, chunk: bytes) -> None:
        """Take rows of traits."""
        with core_errors():
            self._native.traits(chunk)

    def events(self, chunk: bytes) -> None:
        """Take rows of events."""
        with core_errors():
            self._native.events(chunk)

    def finish(self) -> dict[AuditFinding, int]:
        """Tell everything that is wrong, each with how often."""
        with core_errors():
            return {AuditFinding(name): count for name, count in self._native.finish()}
