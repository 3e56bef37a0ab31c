use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::call::Call;
use crate::ids::Serial;
use crate::plan::Effect;
use crate::testing::calls::{at, identify};
use crate::testing::naive::name;
use crate::testing::view::{TraitRow, View};
use crate::testing::{Step, World, cases, policies};

/// An Identify that writes so many traits, from this number on, each of so many bytes; none removes.
fn writing(identifiers: &str, (first, count): (usize, usize), value_bytes: Option<usize>) -> Call<'static> {
    let mut call = identify(identifiers);
    let one = |number| RawTrait { name: format!("t{number:04}"), value: value_bytes.map(|bytes| vec![7; bytes]) };
    call.traits = (first..first + count).map(one).collect();
    call
}

/// The row of each trait that counts, over a profile and all joined into it.
fn rows(view: &View, serial: Serial) -> BTreeMap<String, TraitRow> {
    let mut latest: BTreeMap<String, TraitRow> = BTreeMap::new();
    for ((_, name), row) in view.traits.iter().filter(|((member, _), _)| view.root(*member) == serial) {
        let best = latest.entry(name.clone()).or_insert_with(|| row.clone());
        *best = best.clone().max(row.clone());
    }
    latest
}

fn figures<'t>(traits: impl Iterator<Item = (&'t String, &'t Option<Vec<u8>>)>) -> (usize, usize) {
    let varint = |number: usize| match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 3,
    };
    let field = |length: usize| 1 + varint(length) + length;
    traits.fold((0, 0), |(count, bytes), (name, value)| {
        (count + 1, bytes + field(field(name.len()) + field(value.as_ref().map_or(2, Vec::len))))
    })
}

/// The rule's words: whether the call's own winning traits grow a profile of M, or the one that is made, too far.
fn expected(step: &Step<'_>) -> bool {
    let usable = step.usable();
    let matched: BTreeSet<Serial> = usable.iter().flat_map(|(_, one)| step.before.holders(&name(one))).collect();
    let held: Vec<_> = matched.iter().map(|&serial| rows(step.before, serial)).collect();
    let time = step.call.event_time.expect("every call has one");
    let wins = |one: &&RawTrait| held.iter().all(|rows| rows.get(&one.name).is_none_or(|row| row.time <= time));
    let winning: Vec<&RawTrait> = step.call.traits.iter().filter(wins).collect();
    let nobody = BTreeMap::new();
    let before = if held.is_empty() { vec![&nobody] } else { held.iter().collect() };
    before.into_iter().any(|rows| {
        let mut after: BTreeMap<String, Option<Vec<u8>>> =
            rows.iter().map(|(name, row)| (name.clone(), row.value.clone())).collect();
        after.extend(winning.iter().map(|one| (one.name.clone(), one.value.clone())));
        let was = figures(rows.iter().map(|(name, row)| (name, &row.value)));
        let is = figures(after.iter());
        (is.0 > was.0 && is.0 > 1_000) || (is.1 > was.1 && is.1 > 1 << 20)
    })
}

fn any_writing() -> impl Strategy<Value = Call<'static>> {
    let identifiers = select(vec!["a=1", "a=2", "a=3", "a=1 a=2", "a=2 a=3", "a=1 a=4"]);
    let names = (select(vec![0, 200, 499, 990, 1_000]), select(vec![0, 1, 11, 250, 499, 500, 1_000, 1_001]));
    let value_bytes = select(vec![None, Some(0), Some(40), Some(1_044), Some(2_200)]);
    let times = select(vec![0, 1, 2]);
    (identifiers, names, value_bytes, times)
        .prop_map(|(identifiers, names, value_bytes, hours)| at(writing(identifiers, names, value_bytes), hours))
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn a_call_is_refused_where_its_own_traits_grow_a_profile_too_far(
        calls in prop::collection::vec(any_writing(), 1..14),
    ) {
        let mut world = World::new(&policies::boundless());
        world.watch(&calls, |step| {
            let told = step.reason();
            prop_assert_eq!(told, expected(step).then_some(Reason::LimitExceeded));
            if told.is_some() {
                prop_assert_eq!(step.after, step.before);
            }
            Ok(())
        })?;
    }

    #[test]
    fn without_merges_nobody_has_more_than_the_bounds(calls in prop::collection::vec(any_writing(), 1..14)) {
        let mut world = World::new(&policies::isolation(
            false,
            crate::policy::OnNewKnownUser::CreateProfile,
            crate::policy::OnLogout::Identify,
        ));
        let devices: Vec<Call<'static>> = calls.into_iter().map(|mut call| {
            call.identifiers.truncate(1);
            call.identifiers[0].type_name = "device".into();
            call
        }).collect();
        world.watch(&devices, |step| {
            for (serial, _) in step.after.live() {
                let traits = step.after.traits_of(serial);
                let (count, bytes) = figures(traits.iter());
                prop_assert!(count <= 1_000 && bytes <= 1 << 20, "{} traits, {} bytes", count, bytes);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_merge_by_itself_and_a_call_that_changes_no_trait_never_fail() {
    let mut world = World::new(&policies::boundless());
    world.accept(&writing("a=1", (0, 1_000), Some(1)));
    world.accept(&writing("a=2", (1_000, 1_000), Some(1)));
    assert_eq!(world.refuse(&writing("a=1", (1_000, 1), None)), Reason::LimitExceeded, "a removal counts");
    let joined = world.accept(&identify("a=1 a=2"));
    assert_eq!((joined.merged.len(), world.view.traits_of(Serial(1)).len()), (1, 2_000));
    assert_eq!(world.refuse(&writing("a=1", (2_000, 1), Some(1))), Reason::LimitExceeded);
    world.accept(&identify("a=1"));
    world.accept(&writing("a=1", (0, 1_000), Some(0)));
    let mut late = at(writing("a=2", (0, 1_000), Some(60)), -9);
    late.request_id = "late".into();
    world.accept(&late);
}

#[test]
fn the_bounds_themselves_are_reached() {
    let mut world = World::new(&policies::boundless());
    // With names and lengths each is a sixteenth of the bound.
    let sixteenth = (1 << 16) - 15;
    world.accept(&writing("a=1", (0, 16), Some(sixteenth)));
    assert_eq!(world.refuse(&writing("a=1", (0, 1), Some(sixteenth + 1))), Reason::LimitExceeded);
    // A removal takes 13 bytes.
    world.accept(&writing("a=1", (0, 1), Some(sixteenth - 13)));
    world.accept(&writing("a=1", (16, 1), None));
    assert_eq!(world.refuse(&writing("a=1", (17, 1), None)), Reason::LimitExceeded);
    assert_eq!(world.refuse(&writing("a=2", (0, 1_001), None)), Reason::LimitExceeded, "of a profile to be made too");
    world.accept(&writing("a=2", (0, 1_000), None));
}

#[test]
fn a_merge_with_a_trait_is_judged_by_the_profiles_that_it_found() {
    let mut world = World::new(&policies::boundless());
    world.accept(&writing("a=1", (0, 600), None));
    world.accept(&writing("a=2", (600, 600), None));
    let plan = world.plan(&[writing("a=1 a=2", (1_200, 1), None)]);
    assert!(plan.effects.iter().any(|effect| matches!(effect, Effect::SetTrait { .. })));
    world.commit(plan);
    assert_eq!(world.refuse(&writing("a=1", (1_201, 1), None)), Reason::LimitExceeded);
}
