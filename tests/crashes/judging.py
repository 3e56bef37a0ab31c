"""What must hold after a crash, judged by repeating every call that was ever made."""

from collections import Counter
from dataclasses import dataclass

from tests.crashes.calls import Caller, Sent
from tests.crashes.load import Client
from tests.crashes.state import Stored, check_stored
from utterson.v1 import profile_service_pb2, resolution_pb2

REPEATED_CALLS = 500


@dataclass
class Figures:
    """What one round met."""

    calls: int = 0
    acknowledged: int = 0
    unknown: int = 0
    # Committed, and the caller never heard of it: the proof that the crash fell between commit and answer.
    committed_unheard: int = 0
    # Calls in the newest entry, and how many of them were acknowledged.
    in_newest_entry: int = 0
    heard_in_newest_entry: int = 0
    entries: int = 0

    def __str__(self) -> str:
        return (
            f"{self.calls} calls, {self.acknowledged} acknowledged, {self.unknown} unknown, of these "
            f"{self.committed_unheard} committed; {self.entries} entries in the log"
        )


async def judge(database_url: str, address: str, caller: Caller) -> Figures:
    """Check everything, through the tables and through a running server.

    Every acknowledged call is there once and answers the same; every other one takes effect at most once, however
    often it is repeated.
    """
    before = await check_stored(database_url, caller.workspace)
    figures = Figures(len(caller.sent), entries=len(before.entry_ids) - 1)
    for sent in caller.sent:
        place = before.requests.get(before.digest(sent.request_id))
        known = place is not None
        if place is not None and place[0] == len(before.entry_ids) - 1:
            figures.in_newest_entry += 1
            figures.heard_in_newest_entry += sent.acknowledged
        if sent.answer is not None:
            figures.acknowledged += 1
            assert known, f"{sent.request_id} was acknowledged, and is lost"
            _check_place(before, sent, sent.answer)
        else:
            figures.unknown += 1
            figures.committed_unheard += known
    async with Client(address, caller) as client:
        first = await _repeat(client, caller.sent)
        second = await _repeat(client, caller.sent)
    after = await check_stored(database_url, caller.workspace)
    for sent, answer, again in zip(caller.sent, first, second, strict=True):
        assert answer == again, f"{sent.request_id} is answered in two ways"
        if sent.answer is not None:
            assert answer == sent.answer, f"{sent.request_id} is answered otherwise than before the crash"
        place = before.requests.get(before.digest(sent.request_id))
        assert place is None or place == after.requests[after.digest(sent.request_id)], "it was decided anew"
        _check_place(after, sent, answer)
    _check_effects(after, caller)
    for sent, answer in zip(caller.sent, first, strict=True):
        sent.answer = answer
    return figures


def _check_place(stored: Stored, sent: Sent, answer: bytes) -> None:
    """The revision that was answered names the entry which the call stands in."""
    resolution = resolution_pb2.Resolution.FromString(answer)
    revision = stored.state.read_token(resolution.revision)
    assert revision is not None
    seq, _ = stored.requests[stored.digest(sent.request_id)]
    assert revision.seq == seq, f"{sent.request_id} was told entry {revision.seq}, and stands in {seq}"
    assert revision.names(stored.entry_ids[seq]), f"{sent.request_id} was told an entry of another history"


async def _repeat(client: Client, calls: list[Sent]) -> list[bytes]:
    answers: list[bytes] = []
    for begin in range(0, len(calls), REPEATED_CALLS):
        copies = [Sent(sent.call) for sent in calls[begin : begin + REPEATED_CALLS]]
        await client.batch(copies)
        for copy in copies:
            assert copy.answer is not None, f"{copy.request_id} is refused when repeated: {copy.refusal}"
            answers.append(copy.answer)
    return answers


def _check_effects(stored: Stored, caller: Caller) -> None:
    """Every call has used its id once, and every Track has stored one event."""
    assert len(stored.requests) == len(caller.sent)
    events = Counter(profile_service_pb2.StoredEvent.FromString(record).name for record in stored.event_records)
    tracked = Counter(sent.request_id for sent in caller.sent if sent.call.WhichOneof("call") == "track")
    assert events == tracked
