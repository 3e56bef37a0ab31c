"""What takes a workspace's rows from the database, for a load and for an audit alike."""

from typing import Generic, Protocol, TypeVar

from utterson.engine.core_errors import core_errors


class NativeSink(Protocol):
    """What the core's loader and the core's audit have in common."""

    @property
    def rows(self) -> int:
        """How many rows were taken so far."""
        ...

    def profiles(self, chunk: bytes) -> None:
        """Take rows of profiles."""
        ...

    def identifiers(self, chunk: bytes) -> None:
        """Take rows of identifiers."""
        ...

    def traits(self, chunk: bytes) -> None:
        """Take rows of traits."""
        ...


Native = TypeVar("Native", bound=NativeSink)


class RowSink(Generic[Native]):
    """Hands rows to the core; chunk borders may lie anywhere."""

    def __init__(self, native: Native) -> None:
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
