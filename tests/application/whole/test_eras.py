"""Ids of profiles of several eras: each leads to its profile on each replica, also where two are joined."""

from tests.application.whole.core import WORKSPACE, Core, core_on
from utterson.v1.resolution_pb2 import OUTCOME_MERGED

ERAS = 4
IN_ERA = 6


async def lose_something(core: Core) -> None:
    """Begin an era, as if the database had lost what nobody here knows of."""
    lane = await core.lanes.lane(WORKSPACE)
    await core.context.store.identity.settle(lane.keys.database_id, lost=True)


async def test_ids_of_all_eras_lead_to_their_profiles(core: Core, other: Core, url: str) -> None:
    made: dict[int, str] = {}
    for era in range(ERAS):
        for number in range(IN_ERA):
            value = f"u{era}-{number}"
            resolution = await (core, other)[number % 2].identify(("user_id", value))
            assert resolution.profile_id not in made
            made[resolution.profile_id] = value
        await lose_something(core)
    assert len((await core.lanes.lane(WORKSPACE)).keys.id_eras) in (ERAS - 1, ERAS)
    async with core_on(url) as fresh:
        for replica in (core, other, fresh):
            records = await replica.profiles.get_profiles(WORKSPACE, list(made), "", None)
            assert {record.profile_id: record.identifiers[0].raw_value for record in records} == made
        joined = await core.identify(("user_id", "u0-0"), ("email", "a@example.com"))
        later = await other.identify(("user_id", f"u{ERAS - 1}-0"), ("email", "a@example.com"))
        assert joined.profile_id in made
        if later.outcome == OUTCOME_MERGED:
            (record,) = await fresh.profiles.get_profiles(WORKSPACE, [joined.profile_id], "", None)
            assert record.profile_id == later.profile_id
