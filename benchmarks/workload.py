"""The calls of a first reading: look-ups, new people, and two profiles that meet. Seeded, and never repeating."""

import random
from collections.abc import Iterator

from utterson.v1.identity_service_pb2 import BatchResolveRequest, Call, IdentifyRequest

KNOWN_SHARE = 0.6
NEW_SHARE = 0.3
KNOWN_NEWEST = 20_000


def identify_calls(workspace: str, seed: int) -> Iterator[IdentifyRequest]:
    """Yield Identify calls with three identifiers each.

    60 % name a person seen before (a quarter of those with a new device), 30 % name a new one, 10 % name two people
    by the e-mail of one and the device of the other, so that they merge or the policy's checks demote.
    """
    chance = random.Random(seed)
    people = 0
    devices = 0
    while True:
        kind = chance.random()
        if people < 2 or kind >= KNOWN_SHARE + (1 - KNOWN_SHARE - NEW_SHARE):
            person, device = people, people
            people += 1
        elif kind < KNOWN_SHARE:
            person = chance.randrange(max(0, people - KNOWN_NEWEST), people)
            device = person
            if chance.random() < 0.25:
                devices += 1
                device = -devices
        else:
            person, device = chance.randrange(people), chance.randrange(people)
        request = IdentifyRequest(workspace=workspace)
        request.identifiers.add(type="user_id", value=f"{seed}-user-{person}")
        request.identifiers.add(type="email", value=f"{seed}-person-{person}@example.com")
        request.identifiers.add(type="device_id", value=f"{seed}-device-{device}")
        yield request


def unary_requests(workspace: str, seed: int, count: int) -> list[bytes]:
    """Encode that many single calls."""
    calls = identify_calls(workspace, seed)
    return [next(calls).SerializeToString() for _ in range(count)]


def batch_requests(workspace: str, seed: int, count: int, calls_in_batch: int) -> list[bytes]:
    """Encode that many batches."""
    calls = identify_calls(workspace, seed)
    batches = []
    for _ in range(count):
        batch = BatchResolveRequest(workspace=workspace)
        batch.calls.extend(Call(identify=next(calls)) for _ in range(calls_in_batch))
        batches.append(batch.SerializeToString())
    return batches
