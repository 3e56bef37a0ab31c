//! M6 Outcome. M empty → create a profile with what is left. |M| = 1 → add the missing identifiers, traits and event
//! to it. |M| > 1 → merge: the profile created first survives, the others point to it; identifiers, traits, events
//! and merge counts go over (survivor.merges = sum + |M| − 1); then as for one.
//!
//! Source: the seed's cases one, two and three.

use smallvec::SmallVec;

use crate::answer::outcome::{Disposition, Outcome};
use crate::decider::asked::{self, Asked};
use crate::decider::{Context, Decider};
use crate::ids::Serial;
use crate::plan::{Effect, Serials};
use crate::rules::common::dispositions::Told;
use crate::rules::common::put::put;
use crate::rules::common::seen;
use crate::rules::merge::m3_check::Checked;

/// What was done to the profiles.
pub(crate) struct Done {
    /// The profile.
    pub serial: Serial,
    /// Created, matched or merged.
    pub outcome: Outcome,
    /// Who was joined into it, oldest first.
    pub merged: Serials,
    attached: SmallVec<[usize; 8]>,
}

impl Done {
    /// What became of an identifier that was not demoted.
    pub fn disposition(&self, index: usize) -> Told {
        let attached = self.attached.contains(&index);
        (if attached { Disposition::Attached } else { Disposition::Matched }, None)
    }
}

/// Creates, adds or merges.
pub(crate) fn carry_out(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    asked: &[Asked<'_>],
    checked: &Checked<'_>,
) -> Done {
    let (serial, outcome) = match checked.matched[..] {
        [] => (create(decider, context), Outcome::Created),
        [only] => (only, Outcome::Matched),
        [survivor, ..] => (survivor, Outcome::Merged),
    };
    let merged: Serials = checked.matched.iter().copied().skip(1).collect();
    join(decider, serial, &merged);
    let mut attached = SmallVec::new();
    let today = context.time.day();
    for (index, usable) in asked::usable(asked) {
        let Some(candidate) = checked.candidates.iter().find(|candidate| candidate.index == index) else { continue };
        if let Some(seen_day) = candidate.seen_day {
            // Looked at here already, so that seeing a value again on the same day asks the index no more.
            if seen_day < today {
                seen::note(decider, context, usable.digest);
            }
        } else {
            put(decider, context, serial, (usable, &context.call.identifiers[index].value));
            attached.push(index);
        }
    }
    Done { serial, outcome, merged, attached }
}

/// Makes a profile.
pub(crate) fn create(decider: &mut Decider<'_>, context: &Context<'_>) -> Serial {
    let serial = decider.state.profiles.next_serial();
    decider.emit(Effect::CreateProfile { serial, create_time: context.time, source: None, merges: 0 });
    serial
}

fn join(decider: &mut Decider<'_>, survivor: Serial, losers: &[Serial]) {
    for &loser in losers {
        let merges = decider.state.profiles.row(survivor).merges + decider.state.profiles.row(loser).merges + 1;
        decider.emit(Effect::Merge { loser, survivor, merges });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::call::CallKind;
    use crate::decider::asked::Usable;
    use crate::testing::calls::{MERGE, any_calls, at, identify};
    use crate::testing::merging::Union;
    use crate::testing::naive::name;
    use crate::testing::view::{Identifier, View};
    use crate::testing::{Step, World, cases, policies};

    const LOOK_UPS: &[CallKind] = &[CallKind::Identify, CallKind::Login, CallKind::Logout, CallKind::Track];

    /// The rule's words for what is left of an event: who answers, how, and all that is held and joined afterwards.
    fn expected(step: &Step<'_>, event: Vec<(usize, Usable)>) -> (Serial, Outcome, View) {
        let union = Union::new((step.before, step.policy), event, step.time());
        let mut after = step.before.clone();
        let serial = union
            .matched
            .first()
            .copied()
            .unwrap_or_else(|| Serial(u32::try_from(step.before.people.len() + 1).expect("few")));
        let merges: u32 = union.matched.iter().map(|serial| step.before.people[serial].merges).sum();
        let joined = u32::try_from(union.matched.len()).expect("few").saturating_sub(1);
        let mut events = BTreeSet::new();
        for loser in &union.matched {
            let person = after.people.get_mut(loser).expect("a profile");
            events.append(&mut person.events);
            if *loser != serial {
                person.identifiers.clear();
                person.into = Some(serial);
            }
        }
        let survivor = after.people.entry(serial).or_default();
        survivor.create_time.get_or_insert(step.time());
        (survivor.identifiers, survivor.merges, survivor.events) = (union.contents, merges + joined, events);
        let outcome = match union.matched.len() {
            0 => Outcome::Created,
            1 => Outcome::Matched,
            _ => Outcome::Merged,
        };
        (serial, outcome, after)
    }

    /// A Track's own event aside, people as they are.
    fn without_new_event(step: &Step<'_>) -> BTreeMap<Serial, crate::testing::view::Person> {
        let mut people = step.after.people.clone();
        let seq = step.world.state.head.seq;
        let stored = step.call.kind == CallKind::Track;
        for person in people.values_mut() {
            person.events.retain(|(at, ..)| !stored || *at != seq);
        }
        people
    }

    proptest! {
        #![proptest_config(cases(300))]

        #[test]
        fn create_add_or_merge_into_the_oldest(spec in policies::any_merge(), calls in any_calls(MERGE, 30)) {
            World::new(&spec).watch(&calls, |step| {
                let Some(answer) = step.answer().filter(|_| LOOK_UPS.contains(&step.call.kind)) else { return Ok(()) };
                let demoted: Vec<usize> = answer.demoted.iter().map(|one| one.index).collect();
                let mut event = step.usable();
                if event.is_empty() {
                    prop_assert_eq!((answer.outcome, answer.profile), (Outcome::Unresolved, None));
                    prop_assert_eq!(&step.after.people, &step.before.people);
                    prop_assert_eq!(&step.after.traits, &step.before.traits);
                    return Ok(());
                }
                event.retain(|(index, _)| !demoted.contains(index));
                let (serial, outcome, after) = expected(step, event);
                prop_assert_eq!((step.serial(), answer.outcome), (Some(serial), outcome));
                prop_assert_eq!(without_new_event(step), after.people);
                let gone = step.after.people.iter().filter(|(loser, one)| one.into != step.before.people.get(loser).and_then(|one| one.into));
                let gone: Vec<_> = gone.map(|(&loser, _)| step.world.state.id_of(loser)).collect();
                prop_assert_eq!(&answer.merged, &gone);
                Ok(())
            })?;
        }

        #[test]
        fn without_limits_profiles_are_the_connected_components(
            calls in any_calls(MERGE.only(&[CallKind::Identify, CallKind::Track]), 40),
        ) {
            let mut world = World::new(&policies::boundless());
            let mut components = Components::default();
            world.watch(&calls, |step| {
                components.connect(&step.usable().iter().map(|(_, one)| name(one)).collect::<Vec<_>>());
                let profiles: BTreeSet<BTreeSet<Identifier>> = step.after.held().into_values().collect();
                prop_assert_eq!(profiles, components.sets());
                Ok(())
            })?;
        }
    }

    /// Union-find, the naive way.
    #[derive(Default)]
    struct Components(BTreeMap<Identifier, Identifier>);

    impl Components {
        fn find(&self, identifier: &Identifier) -> Identifier {
            match self.0.get(identifier) {
                Some(parent) if parent != identifier => self.find(parent),
                _ => identifier.clone(),
            }
        }

        fn connect(&mut self, identifiers: &[Identifier]) {
            for one in identifiers {
                let (root, first) = (self.find(one), self.find(&identifiers[0]));
                self.0.entry(one.clone()).or_insert_with(|| one.clone());
                self.0.insert(root, first);
            }
        }

        fn sets(&self) -> BTreeSet<BTreeSet<Identifier>> {
            let mut sets: BTreeMap<Identifier, BTreeSet<Identifier>> = BTreeMap::new();
            for one in self.0.keys() {
                sets.entry(self.find(one)).or_default().insert(one.clone());
            }
            sets.into_values().collect()
        }
    }

    #[test]
    fn the_first_made_survives_whatever_the_event_times_say() {
        let mut world = World::new(&policies::boundless());
        world.accept(&at(identify("a=1"), 24));
        world.accept(&at(identify("a=2"), 0));
        world.accept(&at(identify("a=3"), 12));
        let answer = world.accept(&at(identify("a=3 a=2 a=1"), 6));
        assert_eq!(answer.merged, [crate::testing::id_of(2), crate::testing::id_of(3)]);
        assert_eq!(world.view.people[&Serial(1)].merges, 2);
    }
}
