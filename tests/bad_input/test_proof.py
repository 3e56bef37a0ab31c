"""The rules of this folder can fail: what is accepted does leave traces, and good neighbours do write."""

import pytest

from tests.bad_input.calls import identify
from tests.bad_input.refusals import CANARY, Refusal
from tests.bad_input.target import Target, identifiers
from utterson.v1 import identity_service_pb2 as pb


async def test_an_accepted_call_changes_the_state(served_target: Target) -> None:
    before = await served_target.state()
    call = identify(identifiers=identifiers(("device", f"accepted {CANARY}")))
    await served_target.send("IdentityService", "Identify", call.identify.SerializeToString())
    after = await served_target.state()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"seqs", "log", "log_payload", "profiles", "identifiers", "history"}


async def test_good_neighbours_of_a_bad_call_write(served_target: Target) -> None:
    before = await served_target.state()
    values = (f"first {CANARY}", "\0", f"third {CANARY}")
    calls = [identify(identifiers=identifiers(("device", value))) for value in values]
    results = await served_target.batch(pb.BatchResolveRequest(calls=calls).SerializeToString())
    assert [result.WhichOneof("result") for result in results] == ["resolution", "error", "resolution"]
    after = await served_target.state()
    assert int(str(after["profiles"])) == int(str(before["profiles"])) + 2
    # One batch, one entry.
    assert int(str(after["log"])) == int(str(before["log"])) + 1


async def test_a_refused_dry_run_and_a_refused_call_use_up_no_id(served_target: Target) -> None:
    """C7: the id of a refused call is free still."""
    bad = identify(identifiers=identifiers(("device", "\0")), request_id="free")
    await served_target.unary("identify", bad.identify.SerializeToString())
    good = identify(request_id="free")
    await served_target.send("IdentityService", "Identify", good.identify.SerializeToString())


async def test_a_value_in_an_answer_is_noticed(served_target: Target) -> None:
    status = await served_target.unary("identify", identify(identifiers=[]).identify.SerializeToString())
    right = Refusal("FIELD_INVALID", ("identifiers",))
    right.check(status)
    status.message += CANARY
    with pytest.raises(AssertionError):
        right.check(status)
    for wrong in (Refusal("FIELD_INVALID", ("identifiers[0]",)), Refusal("NO_USABLE_IDENTIFIER", ("identifiers",))):
        with pytest.raises((AssertionError, KeyError)):
            wrong.check(status)
