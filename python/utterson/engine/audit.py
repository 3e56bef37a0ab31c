"""The audit of the tables, as the core does it."""

from utterson import _core
from utterson.domain.soundness import AuditFinding
from utterson.engine.core_errors import core_errors
from utterson.engine.row_sink import RowSink


class TableAudit(RowSink[_core.TableAudit]):
    """Holds the tables' rows against the state hash of their head."""

    def events(self, chunk: bytes) -> None:
        """Take rows of events."""
        with core_errors():
            self._native.events(chunk)

    def finish(self) -> dict[AuditFinding, int]:
        """Tell everything that is wrong, each with how often."""
        with core_errors():
            return {AuditFinding(name): count for name, count in self._native.finish()}
