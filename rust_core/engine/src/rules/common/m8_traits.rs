//! M8 Traits (both families): per trait the value with the latest event time wins, at equal times the later call;
//! null removes, and the removal keeps its time.
//!
//! Each profile keeps its own marks; a merge moves nothing, because a reader takes the latest mark over the
//! survivor and all profiles joined into it.
//!
//! Source: the seed, case two, "we map the traits, identifiers and events on the call to that existing profile".

use crate::decider::{Context, Decider};
use crate::fault::Fault;
use crate::ids::Serial;
use crate::plan::Effect;
use crate::rules::common::c13_bounds::{self, Writing};

/// Writes the call's traits to the profile that it resolved to, unless they take one of the profiles that it found too
/// far (rule C13); `joined` are those that the call joined into it.
pub(crate) fn write(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    serial: Serial,
    joined: &[Serial],
) -> Result<(), Fault> {
    let sent = &context.call.traits;
    if sent.is_empty() {
        return Ok(());
    }
    let digester = &decider.state.digester;
    let traits: Vec<Writing<'_>> =
        sent.iter().map(|sent| Writing { name: digester.trait_name(&sent.name), sent }).collect();
    c13_bounds::check(decider.state, (serial, joined), (context.time, &traits))?;
    for Writing { name, sent } in traits {
        let newer = decider.state.traits.get(serial, name).is_some_and(|mark| mark.time > context.time);
        if !newer {
            decider.emit(Effect::SetTrait {
                serial,
                name: sent.name.clone(),
                value: sent.value.clone(),
                time: context.time,
                position: context.position,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::call::{Call, CallKind, RawTrait};
    use crate::ids::Micros;
    use crate::testing::calls::{at, identify};
    use crate::testing::{Step, World, cases, histories, policies};

    /// One trait that an accepted call wrote: to which profile, when, in which order, what.
    type Write = (Serial, String, Micros, usize, Option<Vec<u8>>);

    /// The rule's words: over the profile and all joined into it, the latest by event time, at equal times the later call.
    fn expected(world: &World, writes: &[Write]) -> BTreeMap<(Serial, String), Option<Vec<u8>>> {
        let mut latest: BTreeMap<(Serial, String), &Write> = BTreeMap::new();
        for write in writes {
            let best = latest.entry((world.view.root(write.0), write.1.clone())).or_insert(write);
            if (write.2, write.3) > (best.2, best.3) {
                *best = write;
            }
        }
        latest.into_iter().map(|(key, write)| (key, write.4.clone())).collect()
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn the_latest_event_time_wins_and_removals_keep_their_time(
            [(spec, calls), (later, more)] in histories::any_history(20),
        ) {
            let mut writes: Vec<Write> = Vec::new();
            let mut look = |step: &Step<'_>| {
                if let Some(serial) = step.serial() {
                    for one in &step.call.traits {
                        writes.push((serial, one.name.clone(), step.time(), writes.len(), one.value.clone()));
                    }
                }
                let expected = expected(step.world, &writes);
                for (serial, _) in step.after.live() {
                    for (name, value) in step.after.traits_of(serial) {
                        prop_assert_eq!(Some(&value), expected.get(&(serial, name)));
                    }
                }
                let told: usize = step.after.live().map(|(serial, _)| step.after.traits_of(serial).len()).sum();
                prop_assert_eq!(told, expected.len());
                Ok(())
            };
            let mut world = World::new(&spec);
            world.watch(&calls, &mut look)?;
            world.change_policy(&later);
            world.watch(&more, &mut look)?;
        }
    }

    fn with_trait(mut call: Call<'_>, value: Option<u8>) -> Call<'_> {
        call.traits = vec![RawTrait { name: "x".into(), value: value.map(|value| vec![value]) }];
        call
    }

    #[test]
    fn a_removal_outlives_an_older_value_of_a_merged_profile() {
        let mut world = World::new(&policies::boundless());
        world.accept(&at(with_trait(identify("a=1"), Some(1)), 1));
        world.accept(&at(with_trait(identify("a=2"), None), 2));
        world.accept(&at(identify("a=1 a=2"), 3));
        assert_eq!(world.view.traits_of(Serial(1)), BTreeMap::from([("x".into(), None)]));
        world.accept(&at(with_trait(identify("a=1"), Some(2)), 2));
        assert_eq!(world.view.traits_of(Serial(1)), BTreeMap::from([("x".into(), Some(vec![2]))]), "the later call");
    }

    #[test]
    fn a_tracks_properties_are_no_traits() {
        let mut world = World::new(&policies::boundless());
        let mut call = identify("a=1");
        call.kind = CallKind::Track;
        call.event.properties = vec![1];
        world.accept(&call);
        assert!(world.view.traits.is_empty());
    }
}
