"""What a policy says of profiles before they are imported."""

from collections.abc import Sequence
from dataclasses import dataclass

from utterson import _core
from utterson.engine.core_errors import core_errors


@dataclass(frozen=True, slots=True)
class JudgedProfile:
    """What comes of a profile whose identifiers nobody holds.

    Args:
        faults: path and description of each field for which it is refused.
        blocked: places of identifiers whose values are blocked (rule C3).
        ignored: places of identifiers whose types the policy ignores (rule C4).
        usable: places of those that take part, without duplicates.
        digests: what stands for type and value of each of these.
    """

    faults: list[tuple[str, str]]
    blocked: list[int]
    ignored: list[int]
    usable: list[int]
    digests: list[bytes]


def read_profile_lines(lines: Sequence[bytes]) -> list[tuple[bytes, int] | None]:
    """Read lines of JSON that are profiles beyond doubt; other Python threads run meanwhile.

    Returns:
        Of each line the encoded `ImportedProfile` and how many identifiers it has; None where somebody has to look.
    """
    with core_errors():
        return _core.read_import_lines(lines)


class ProfileJudge:
    """Judges profiles as an import under a policy does, each by itself.

    Args:
        policy: an encoded policy as it is kept, all its defaults written out.
        digest_key: 16 bytes; digests under different keys say nothing of one another.
    """

    def __init__(self, policy: bytes, digest_key: bytes) -> None:
        with core_errors():
            self._judge = _core.ProfileJudge(policy, digest_key)

    def judge(self, profiles: Sequence[bytes]) -> list[JudgedProfile]:
        """Judge encoded `ImportedProfile`s; other Python threads run meanwhile."""
        with core_errors():
            return [JudgedProfile(*judged) for judged in self._judge.judge(profiles)]
