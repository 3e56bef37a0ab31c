"""What the fake engine tells of a profile."""

from dataclasses import dataclass


@dataclass
class FakeView:
    profile_id: int
    serial: int
    digests: list[bytes]
    holders: list[int]
    members: list[int]
    identifier_total: int
    merged_into: int = 0
    known: bool = False
    merges: int = 0
    source_profile_id: int = 0
