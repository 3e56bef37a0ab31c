"""Requests of empty messages: two bytes each on the wire, a hundred in any parser's memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WORKSPACE: Final = "soho"
_HERE: Final = b"\x0a\x04" + WORKSPACE.encode()


@dataclass(frozen=True)
class Bomb:
    """How to make a request of so many items, and what it must be refused with."""

    method: str
    make: Callable[[int], bytes]
    path: str
    reason: str = "FIELD_INVALID"
    streams: bool = False

    @property
    def is_counted_in_all(self) -> bool:
        """Whether all bytes of the request are bounded together: of what is made a message of in Python."""
        return not self.streams and not self.method.startswith("IdentityService/")


def field(number: int, content: bytes) -> bytes:
    """Encode one length-delimited field."""
    size, encoded = len(content), bytearray([number << 3 | 2])
    while size > 127:
        encoded.append(size & 127 | 128)
        size >>= 7
    encoded.append(size)
    return bytes(encoded) + content


def empty(number: int, items: int) -> bytes:
    """Encode a list of empty messages."""
    return field(number, b"") * items


_MERGE: Final = field(5, b"")
_IDENTIFIER: Final = field(2, field(1, b"email") + field(2, b"x"))
_IMPORT: Final = "WorkspaceService/ImportProfiles"

# One for every list that a caller can send, and for what no list counts.
BOMBS: Final = {
    "types of a new policy": Bomb(
        "WorkspaceService/CreateWorkspace",
        lambda items: field(1, b"new") + field(2, _MERGE + empty(1, items)),
        "policy.identifier_types",
        "POLICY_INVALID",
    ),
    "patterns of a changed policy": Bomb(
        "WorkspaceService/UpdatePolicy",
        lambda items: _HERE + field(2, _MERGE + field(1, empty(7, items))),
        "policy.identifier_types[0].blocked",
        "POLICY_INVALID",
    ),
    "profiles to read": Bomb(
        "ProfileService/BatchGetProfiles", lambda items: _HERE + field(2, b"\x01" * 2 * items), "profile_ids"
    ),
    "one field again and again": Bomb("WorkspaceService/GetWorkspace", lambda items: b"\x78\x01" * items, ""),
    "profiles of an import": Bomb(
        _IMPORT, lambda items: _HERE + empty(7, items), "messages[0].profiles[0].identifiers", streams=True
    ),
    "identifiers of an import": Bomb(
        _IMPORT,
        lambda items: _HERE + field(7, empty(1, items)),
        "messages[0].profiles[0].identifiers",
        streams=True,
    ),
    "identifiers of a call": Bomb("IdentityService/Identify", lambda items: _HERE + empty(2, items), "identifiers"),
    "changes of a call": Bomb(
        "IdentityService/Modify", lambda items: _HERE + b"\x48\x01" + empty(10, items), "changes"
    ),
    "calls of a batch": Bomb("IdentityService/BatchResolve", lambda items: _HERE + empty(2, items), "calls"),
    "a trait's list": Bomb(
        "IdentityService/Identify",
        lambda items: _HERE + _IDENTIFIER + field(9, field(1, field(1, b"a") + field(2, field(6, empty(1, items))))),
        "traits",
    ),
}
