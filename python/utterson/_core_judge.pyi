# ruff: noqa: PYI021 - the interface is documented here, where its callers look.
"""The part of the extension that judges profiles before they are imported; a part of `_core.pyi`, no module."""

from collections.abc import Sequence
from typing import final

def read_import_lines(lines: Sequence[bytes]) -> list[tuple[bytes, int] | None]:
    """Read lines of JSON that are profiles beyond doubt: each encoded, and how many identifiers it has.

    None for every other line: whoever asks reads it with care, and says what is wrong with it if it is.
    """

@final
class ProfileJudge:
    """Tells what an import under a kept policy says of profiles, each by itself, whatever anybody holds.

    ValueError where the policy is none that this build knows, or the key has not 16 bytes.
    """

    def __new__(cls, policy: bytes, digest_key: bytes) -> ProfileJudge: ...
    def judge(
        self, profiles: Sequence[bytes]
    ) -> list[tuple[list[tuple[str, str]], list[int], list[int], list[int], list[bytes]]]:
        """Judge encoded `ImportedProfile`s.

        Of each: path and description of its faults; the places of its blocked and of its ignored identifiers; the
        places of those that take part, and what stands for type and value of each, under the key.
        """
