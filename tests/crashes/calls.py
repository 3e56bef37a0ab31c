"""Calls that keep meeting each other: few people, so that most calls write, and many merge."""

import random
from dataclasses import dataclass
from enum import Enum

from google.protobuf.struct_pb2 import Struct

from utterson.v1 import identifier_pb2
from utterson.v1 import identity_service_pb2 as pb

PEOPLE = 40
DEVICES = 120


class Family(Enum):
    """The two families, each by a preset that refuses none of these calls."""

    MERGE = "identity_graph_rules"
    ISOLATION = "best_match"


_TYPES = {Family.MERGE: ("user_id", "email", "device"), Family.ISOLATION: ("customer_id", "email", "idfv")}


@dataclass(slots=True)
class Sent:
    """One call, and what its caller was told: the encoded resolution, or nothing certain."""

    call: pb.Call
    answer: bytes | None = None
    refusal: str = ""

    @property
    def request_id(self) -> str:
        """The id under which the server knows the call."""
        which = self.call.WhichOneof("call")
        assert which is not None
        request_id: str = getattr(self.call, which).request_id
        return request_id

    @property
    def acknowledged(self) -> bool:
        """Whether the caller was answered."""
        return self.answer is not None


class Caller:
    """Makes calls and remembers every one of them."""

    def __init__(self, seed: int, workspace: str, family: Family = Family.MERGE) -> None:
        self.workspace = workspace
        self.family = family
        self._random = random.Random(seed)
        self._scope = f"{self._random.getrandbits(64):016x}"
        self.sent: list[Sent] = []

    def make(self) -> Sent:
        """Make the next call; its request id is new."""
        request_id = f"{self._scope}-{len(self.sent)}"
        kinds = [self._identify, self._identify, self._track, self._login, self._logout]
        sent = Sent(self._random.choice(kinds)(request_id))
        self.sent.append(sent)
        return sent

    def many(self, count: int) -> list[Sent]:
        """Make several."""
        return [self.make() for _ in range(count)]

    def _identifiers(self) -> list[identifier_pb2.Identifier]:
        person, device = self._random.randrange(PEOPLE), self._random.randrange(DEVICES)
        values = (f"u{person}", f"{person}@example.com", f"d{device}")
        pairs = list(zip(_TYPES[self.family], values, strict=True))
        chosen = [pair for pair in pairs if self._random.random() < 0.6] or pairs[-1:]
        return [identifier_pb2.Identifier(type=name, value=value) for name, value in chosen]

    def _identify(self, request_id: str) -> pb.Call:
        traits = Struct()
        traits.update({"number": str(self._random.randrange(1000)), "by": request_id})
        return pb.Call(
            identify=pb.IdentifyRequest(
                workspace=self.workspace, identifiers=self._identifiers(), request_id=request_id, traits=traits
            )
        )

    def _login(self, request_id: str) -> pb.Call:
        return pb.Call(
            login=pb.LoginRequest(workspace=self.workspace, identifiers=self._identifiers(), request_id=request_id)
        )

    def _logout(self, request_id: str) -> pb.Call:
        return pb.Call(
            logout=pb.LogoutRequest(workspace=self.workspace, identifiers=self._identifiers(), request_id=request_id)
        )

    def _track(self, request_id: str) -> pb.Call:
        event = pb.Event(name=request_id)
        return pb.Call(
            track=pb.TrackRequest(
                workspace=self.workspace, identifiers=self._identifiers(), request_id=request_id, event=event
            )
        )
