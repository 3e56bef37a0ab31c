"""Calls of all kinds about people who come back: most change nothing, some write, a few are new."""

import random
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct

from utterson.v1 import identifier_pb2
from utterson.v1 import identity_service_pb2 as pb

PEOPLE: Final = 5_000
# One call in so many is about somebody new, and one brings an id of its own.
NEW_ONE_IN: Final = 50
ID_ONE_IN: Final = 200
PROFILES_KEPT: Final = 1_000
# How many calls of a hundred are of each kind.
SHARES: Final = {"identify": 70, "track": 12, "login": 7, "logout": 7, "modify": 4}
TYPES: Final = {
    "identity_graph_rules": ("user_id", "email", "device"),
    "unify": ("user_id", "email", "phone"),
    "best_match": ("customer_id", "email", "idfv"),
    "profile_link": ("customer_id", "email", "idfv"),
}


def _struct(content: Mapping[str, str | int]) -> Struct:
    struct = Struct()
    struct.update(content)
    return struct


class People:
    """The people of one workspace.

    Args:
        workspace: its name.
        preset: its policy.
        seed: draws who calls.
    """

    def __init__(self, workspace: str, preset: str, seed: int) -> None:
        self.workspace = workspace
        self.preset = preset
        self._profiles: deque[int] = deque(maxlen=PROFILES_KEPT)
        self._types = TYPES[preset]
        self._random = random.Random(seed)
        self._new = 0

    def saw(self, profile_id: int) -> None:
        """Remember a profile, to ask for it and to change it."""
        self._profiles.append(profile_id)

    def profile(self) -> int | None:
        """Draw a profile, if any was seen."""
        return self._random.choice(self._profiles) if self._profiles else None

    def call(self) -> pb.Call:
        """Make a call of any kind but a Search."""
        kind = self._random.choices(tuple(SHARES), tuple(SHARES.values()))[0]
        common: dict[str, Any] = {"workspace": self.workspace}
        if self._random.randrange(ID_ONE_IN) == 0:
            common["request_id"] = f"{self._random.getrandbits(64):016x}"
        profile = self.profile()
        if kind == "modify" and profile is not None:
            # A device comes or goes; whoever does not hold it is refused, which is an answer too.
            value = {"new_value" if self._random.random() < 0.5 else "old_value": f"d{self._random.randrange(PEOPLE)}"}
            change = identifier_pb2.Change(type=self._types[2], **value)
            return pb.Call(modify=pb.ModifyRequest(profile_id=profile, changes=[change], **common))
        common["identifiers"] = self.identifiers()
        match kind:
            case "track":
                event = pb.Event(name="seen", properties=_struct({"page": self._random.randrange(100)}))
                return pb.Call(track=pb.TrackRequest(event=event, **common))
            case "login":
                return pb.Call(login=pb.LoginRequest(**common))
            case "logout":
                return pb.Call(logout=pb.LogoutRequest(**common))
            case _:
                return pb.Call(identify=self._identify(common))

    def _identify(self, common: dict[str, Any]) -> pb.IdentifyRequest:
        if self._random.randrange(20) == 0:
            plan, visits = self._random.choice(("free", "paid")), self._random.randrange(9)
            common["traits"] = _struct({"plan": plan, "visits": visits})
        return pb.IdentifyRequest(**common)

    def calls(self, count: int) -> list[pb.Call]:
        """Make several."""
        return [self.call() for _ in range(count)]

    def search(self) -> pb.SearchRequest:
        """Make a Search."""
        return pb.SearchRequest(workspace=self.workspace, identifiers=self.identifiers())

    def identifiers(self) -> list[identifier_pb2.Identifier]:
        """Draw somebody, by one to three identifiers that are theirs."""
        if self._random.randrange(NEW_ONE_IN) == 0:
            self._new += 1
            person = device = f"{self.workspace}-{self._new}"
        else:
            number = int(self._random.paretovariate(0.5)) % PEOPLE
            # Some share a device: their calls meet, merge and demote.
            person, device = str(number), str(number // 3)
        values = (f"u{person}", f"{person}@example.com", f"d{device}")
        pairs = list(zip(self._types, values, strict=True))
        chosen = self._random.sample(pairs, self._random.randint(1, len(pairs)))
        return [identifier_pb2.Identifier(type=name, value=value) for name, value in chosen]
