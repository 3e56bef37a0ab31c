//! Values per identifier against the page's own words over sets; which identifier goes; the edges of windows.

use proptest::prelude::*;

use super::*;
use crate::answer::outcome::Outcome;
use crate::call::Call;
use crate::policy::spec::{LimitSpec, Window};
use crate::testing::calls::{MERGE, any_call, any_calls, at, identify};
use crate::testing::merging::{Demoted, Union, judged, union_of};
use crate::testing::policies::{self, limit};
use crate::testing::{World, cases};

/// The rule's words.
pub(crate) fn expected(union: &Union<'_>) -> Option<Demoted> {
    let in_scope = |(type_name, limit): &&(String, crate::policy::Limit)| match limit.scope {
        LimitScope::Always => true,
        LimitScope::WhenPresent => union.carries(type_name),
    };
    let exceeds = |(type_name, limit): &&(String, crate::policy::Limit)| {
        let values = union.counting(type_name, limit);
        values.len() > limit.max_values as usize && union.grows(&values)
    };
    let types = union.limited_types();
    let limited = types.iter().filter(|(_, limit)| !limit.is_exclusive());
    let (type_name, limit) = limited.filter(in_scope).rfind(exceeds)?;
    let of_type: Vec<&(usize, crate::decider::asked::Usable)> =
        union.event.iter().filter(|(_, one)| *one.type_name == **type_name).collect();
    let index = match limit.on_exceeded {
        OnExceeded::DemoteLowest => union.lowest(|_| true),
        OnExceeded::DemoteOffending => {
            let new = of_type.iter().rfind(|(_, one)| !union.is_held(one));
            new.or(of_type.last()).map(|(index, _)| *index).or_else(|| union.lowest(|_| true))
        }
    };
    Some((index.expect("an event"), DemotionReason::ValueLimit))
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_lowest_ranked_offending_type_decides(
        (before, spec) in (policies::any_merge(), policies::any_merge()),
        (history, more) in (any_calls(MERGE, 10), any_calls(MERGE, 15)),
        last in any_call(MERGE),
    ) {
        let mut world = World::new(&before);
        world.run_all(&history);
        world.change_policy(&spec);
        world.run_all(&more);
        prop_assert_eq!(judged(&world, &last, check), expected(&union_of(&world, &last)));
    }

    #[test]
    fn no_profile_ever_has_more_values_than_an_ever_always_limit(
        max_values in 1..4u32,
        on_exceeded in prop::sample::select(vec![OnExceeded::DemoteLowest, OnExceeded::DemoteOffending]),
        calls in any_calls(MERGE, 40),
    ) {
        let one = Some(limit(max_values, Window::Ever, LimitScope::Always, on_exceeded));
        World::new(&policies::merge([one; 4], 100, 0)).watch(&calls, |step| {
            for (_, person) in step.after.live() {
                for type_name in policies::MERGE_TYPES {
                    let values = person.identifiers.keys().filter(|(name, _)| name == type_name).count();
                    prop_assert!(values <= max_values as usize, "{} of {}", values, type_name);
                }
            }
            Ok(())
        })?;
    }
}

fn world(a: LimitSpec) -> World {
    World::new(&policies::merge([None, None, Some(a), None], 100, 0))
}

/// Which of the call's identifiers is demoted first.
fn demoted(world: &mut World, call: &Call) -> Option<usize> {
    world.accept(call).demoted.first().map(|demotion| demotion.index)
}

#[test]
fn the_offending_value_goes_new_ones_first_and_the_last_listed_of_those() {
    let mut world = world(limit(2, Window::Ever, LimitScope::WhenPresent, OnExceeded::DemoteOffending));
    world.accept(&identify("email=1 a=1"));
    assert_eq!(demoted(&mut world, &identify("a=2 a=3 email=1 a=1")), Some(1));
    world.accept(&identify("email=2 a=8 a=9"));
    assert_eq!(demoted(&mut world, &identify("email=1 a=8 email=2")), Some(1), "all are held");
}

#[test]
fn a_type_that_the_event_does_not_carry_costs_the_lowest_or_nothing() {
    for (scope, expected) in [(LimitScope::Always, Outcome::Matched), (LimitScope::WhenPresent, Outcome::Merged)] {
        let mut world = world(limit(1, Window::Ever, scope, OnExceeded::DemoteOffending));
        world.accept(&identify("email=1 a=1"));
        world.accept(&identify("email=2 a=2"));
        assert_eq!(world.accept(&identify("email=1 email=2")).outcome, expected);
    }
}

#[test]
fn the_lowest_of_the_event_goes_where_the_policy_says_so() {
    let mut world = world(limit(1, Window::Ever, LimitScope::Always, OnExceeded::DemoteLowest));
    world.accept(&identify("email=1 a=1"));
    assert_eq!(demoted(&mut world, &identify("b=1 a=2 email=1")), Some(0));
}

#[test]
fn a_value_counts_for_one_window_from_its_event_time() {
    let mut world = world(limit(1, Window::Day, LimitScope::Always, OnExceeded::DemoteOffending));
    world.accept(&at(identify("email=1 a=1"), 0));
    assert_eq!(demoted(&mut world, &at(identify("email=1 a=2"), 23)), Some(1));
    // Seeing it again does not move the time at which it was added.
    world.accept(&at(identify("email=1 a=1"), 20));
    assert_eq!(demoted(&mut world, &at(identify("email=1 a=2"), 24)), None, "(t - window, t]");
    assert_eq!(demoted(&mut world, &at(identify("email=1 a=3"), 24)), Some(1), "added at t counts");
    assert_eq!(demoted(&mut world, &at(identify("email=1 a=4"), -48)), None, "later ones do not");
    assert_eq!(world.serial(&identify("a=1")), 1, "outside the window it stays and still matches");
}
