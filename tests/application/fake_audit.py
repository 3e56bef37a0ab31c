"""The audit of the fake engine: it reads the rows as they are copied, and counts what does not add up."""

import hashlib
import struct

from tests.store.copy_format import decode_copy
from utterson.domain.chain import SnapshotHead, StateDivergedError
from utterson.domain.soundness import AuditFinding


def state_hash(owners: dict[bytes, int]) -> bytes:
    told = b"".join(digest + struct.pack(">q", serial) for digest, serial in sorted(owners.items()))
    return hashlib.sha384(told).digest() if owners else bytes(48)


class FakeTableAudit:
    def __init__(self, snapshot: SnapshotHead) -> None:
        self._state_hash = snapshot.state_hash
        self._identifiers = b""
        self.events_taken = b""

    @property
    def rows(self) -> int:
        return len(decode_copy(self._identifiers))

    def profiles(self, chunk: bytes) -> None:
        pass

    def identifiers(self, chunk: bytes) -> None:
        self._identifiers += chunk

    def traits(self, chunk: bytes) -> None:
        pass

    def events(self, chunk: bytes) -> None:
        self.events_taken += chunk

    def finish(self) -> dict[AuditFinding, int]:
        rows = decode_copy(self._identifiers)
        if any(row[2] == b"unreadable" for row in rows):
            raise StateDivergedError("no such type")
        owners = {row[0] or b"": struct.unpack(">q", row[1] or b"")[0] for row in rows}
        findings = {AuditFinding.EVENTS: 1} if decode_copy(self.events_taken) else {}
        return findings | ({} if state_hash(owners) == self._state_hash else {AuditFinding.GRAPH: 1})
