"""Operations: what one is unless it says otherwise, and the one that only catches up."""

from tests.application.conftest import Replica
from tests.application.fake_engine import FakeState
from utterson.application.lane.operation import CatchUp
from utterson.domain.chain import Head


async def test_catching_up_decides_and_asks_nothing() -> None:
    state = FakeState(Head(0, bytes(16)), 1, b"policy")
    operation = CatchUp()
    assert await operation.decide(state, 0, bytes(16)) is None
    assert state.decided == []
    assert not any(operation.needs_confirmation(default_strong=strong) for strong in (True, False))


def test_an_operation_keeps_to_the_loop_and_to_its_turn_unless_it_says_otherwise() -> None:
    operation = CatchUp()
    assert not operation.threaded
    assert not operation.allows_deciding_ahead


async def test_catching_up_brings_the_state_to_what_was_heard_of(replica: Replica, other: Replica) -> None:
    state = await other.state()
    made = await replica.call("add:x")
    lane = await other.lane()
    lane.note_entry(made["seq"])
    await lane.run(CatchUp())
    assert state.head == (await replica.state()).head
