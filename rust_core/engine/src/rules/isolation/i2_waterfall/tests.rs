//! The waterfall against the page's own words over sets, its ties, and what it costs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::call::{Call, CallKind};
use crate::ids::{Day, Micros};
use crate::policy::spec::{OnLogout, OnNewKnownUser, PolicySpec};
use crate::state::{LoadedIdentifier, LoadedProfile};
use crate::testing::calls::{ISOLATION, any_call, any_calls, call, identify};
use crate::testing::{World, answer, borrowed, cases, naive, policies, usable};

const FILTERS: [Filter; 3] = [Filter::All, Filter::Known, Filter::Anonymous];

fn found(world: &World, call: &Call, filter: Filter, previous: Option<Serial>) -> Option<Serial> {
    let usable = usable(&world.state.policy, call, &world.state);
    let usable = borrowed(&usable);
    let guard = Guard::new(usable.iter().map(|(_, one)| *one));
    Waterfall::new(&world.state, &guard, filter).run(&usable, previous, None)
}

fn seed() -> PolicySpec {
    policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::CreateAnonymous)
}

/// A world with these anonymous profiles, P1 first.
fn anonymous(profiles: &[&str]) -> World {
    let mut world = World::new(&seed());
    for identifiers in profiles {
        world.accept(&call(CallKind::Logout, identifiers));
    }
    world
}

#[test]
fn a_tie_goes_to_the_previous_profile_else_to_the_newest() {
    let world = anonymous(&["device=1", "device=1", "device=1"]);
    let tie = |previous| found(&world, &identify("device=1"), Filter::All, previous);
    assert_eq!(tie(None), Some(Serial(3)));
    assert_eq!(tie(Some(Serial(1))), Some(Serial(1)));
}

#[test]
fn the_previous_profile_breaks_ties_only() {
    let world = anonymous(&["device=1", "device=1 cookie=1", "cookie=2"]);
    let call = identify("device=1 cookie=1");
    assert_eq!(found(&world, &call, Filter::All, Some(Serial(1))), Some(Serial(2)));
    assert_eq!(found(&world, &call, Filter::All, Some(Serial(3))), Some(Serial(2)));
}

#[test]
fn a_type_that_nobody_holds_is_told_and_is_no_failure() {
    let mut world = anonymous(&["device=1", "device=1"]);
    let mut call = identify("cookie=9 device=1");
    call.explain = true;
    let verdict = world.tell(&call);
    let rounds = answer(&verdict).and_then(|answer| answer.explanation.as_ref()).map(|one| &one.rounds);
    let checks: Vec<&Check> = rounds.into_iter().flatten().flat_map(|round| &round.checks).collect();
    assert!(checks.iter().any(|check| check.figure == 0), "nobody holds the cookie");
    assert!(checks.iter().all(|check| check.rule == RuleId::I2 && check.limit == 0 && check.passed));
}

#[test]
fn an_empty_intersection_leaves_the_candidates() {
    let world = anonymous(&["device=1", "cookie=1"]);
    assert_eq!(found(&world, &identify("cookie=1 device=1"), Filter::All, None), Some(Serial(1)));
}

#[test]
fn a_type_without_holders_is_skipped() {
    let world = anonymous(&["cookie=1"]);
    assert_eq!(found(&world, &identify("device=7 cookie=1"), Filter::All, None), Some(Serial(1)));
    assert_eq!(found(&world, &identify("device=7"), Filter::All, None), None);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn it_walks_the_priority_as_the_page_says(
        spec in policies::any_isolation(),
        history in any_calls(ISOLATION, 20),
        last in any_call(ISOLATION),
    ) {
        let mut world = World::new(&spec);
        world.run_all(&history);
        let usable = usable(&world.state.policy, &last, &world.state);
        let everybody = world.view.people.keys().copied().map(Some);
        for previous in std::iter::once(None).chain(everybody) {
            for filter in FILTERS {
                let expected = naive::waterfall((&world.view, &world.state.policy), &usable, filter, previous);
                prop_assert_eq!(found(&world, &last, filter, previous), expected, "{:?} {:?}", filter, previous);
            }
        }
    }
}

/// A state in which this many anonymous profiles share one device, and the last of them has a cookie.
fn crowd(profiles: u32) -> State {
    let mut state = World::new(&seed()).state;
    let mut rows: Vec<(Serial, &str, String)> = Vec::new();
    for serial in (1..=profiles).map(Serial) {
        let (create_time, source, imported_merges, merged_into) = (Micros(0), None, 0, None);
        assert!(state.load_profile(&LoadedProfile { serial, create_time, source, imported_merges, merged_into }));
        rows.push((serial, "device", "1".into()));
        rows.push((serial, "cookie", serial.0.to_string()));
    }
    for (serial, type_name, value) in rows {
        let digest = state.digester.identifier(type_name, &value);
        let (type_name, add_time, seen_day, exclusive) = (Arc::from(type_name), Micros(0), Day(0), false);
        let row = LoadedIdentifier { digest, serial, type_name, add_time, seen_day, exclusive };
        assert!(state.load_identifier(&row));
    }
    state
}

/// The fastest of several rounds of look-ups, so that a busy machine does not matter.
fn fastest(state: &State, calls: &[Call<'_>]) -> Duration {
    let prepared: Vec<_> = calls.iter().map(|call| usable(&state.policy, call, state)).collect();
    let round = || {
        let start = Instant::now();
        for usable in prepared.iter().cycle().take(300) {
            let usable = borrowed(usable);
            let guard = Guard::new(usable.iter().map(|(_, one)| *one));
            let found = Waterfall::new(state, &guard, Filter::All).run(&usable, Some(Serial(1)), None);
            assert!(found.is_some());
        }
        start.elapsed()
    };
    (0..20).map(|_| round()).min().expect("several rounds")
}

#[test]
fn a_device_of_a_hundred_thousand_profiles_costs_what_one_of_a_hundred_costs() {
    let calls = [identify("device=1"), identify("device=1 cookie=1"), identify("cookie=77 device=1")];
    let few = fastest(&crowd(100), &calls);
    let many = fastest(&crowd(100_000), &calls);
    assert!(many < few * 5, "{many:?} instead of {few:?}");
}
