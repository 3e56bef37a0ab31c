# ruff: noqa: PYI021 - the interface is documented here, where its callers look.
"""A part of the stub of `utterson._core`, where what is in here stands at run time."""

from collections.abc import Sequence
from typing import final

@final
class Front:
    """HTTP/2 before asyncio; runs in a thread of its own from the moment it is made until `stop`.

    What is given and taken is told in `utterson.server.front.ports`: `limits`, `methods` and `refusals` have the
    attributes of `FrontLimits`, `FrontMethods` and `FrontRefusals`. OSError: an address cannot be listened at.
    """

    def __new__(
        cls,
        *,
        listen: Sequence[tuple[str, int]],
        behind: str,
        methods: object,
        services: Sequence[str],
        limits: object,
        refusals: object,
    ) -> Front: ...
    @property
    def port(self) -> int: ...
    @property
    def descriptor(self) -> int: ...
    @property
    def is_running(self) -> bool: ...
    def take(
        self, calls_max: int
    ) -> tuple[list[tuple[int, int, bytes | None, str | None, int]], list[int], list[int]]: ...
    def answer(
        self,
        responses: list[tuple[int, bytes]],
        identified: list[tuple[int, bytes, str]],
        refusals: list[tuple[int, int, str, bytes, str]],
    ) -> None: ...
    def alive(self) -> None: ...
    def set_serving(self, serving: bool) -> None: ...
    def stop(self, grace_ms: int) -> None: ...
