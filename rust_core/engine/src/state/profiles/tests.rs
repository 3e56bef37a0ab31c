//! Profiles against the plainest way to keep them: a list of who was joined into whom.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::shapes::IDLE_MAX;
use super::*;
use crate::testing::cases;

/// What a list knows: who each was joined into, and what it held then or holds now.
#[derive(Default)]
struct Naive(Vec<(Option<Serial>, Profile)>);

impl Naive {
    fn root(&self, serial: Serial) -> Serial {
        self.0[serial.0 as usize - 1].0.map_or(serial, |into| self.root(into))
    }

    fn serials(&self) -> impl Iterator<Item = Serial> + use<> {
        (1..=u32::try_from(self.0.len()).expect("few")).map(Serial)
    }
}

fn compare(profiles: &Profiles, naive: &Naive) -> Result<(), TestCaseError> {
    prop_assert_eq!(profiles.len(), naive.0.len());
    for serial in naive.serials() {
        let (into, profile) = &naive.0[serial.0 as usize - 1];
        prop_assert_eq!(profiles.redirect(serial), *into);
        prop_assert_eq!(profiles.root(serial), naive.root(serial));
        prop_assert_eq!(profiles.row(serial), profile);
        prop_assert_eq!(profiles.source(serial), (serial.0 % 3 == 0).then_some(Serial(1)));
        let members: BTreeSet<Serial> = profiles.members(serial).into_iter().collect();
        let under = |mut one: Serial| {
            while let Some(into) = naive.0[one.0 as usize - 1].0.filter(|_| one != serial) {
                one = into;
            }
            one == serial
        };
        prop_assert_eq!(members, naive.serials().filter(|&one| under(one)).collect::<BTreeSet<_>>());
    }
    let shapes: BTreeSet<String> = naive.0.iter().map(|(_, profile)| format!("{profile:?}")).collect();
    let (had, all) = profiles.shapes.len();
    prop_assert_eq!(had, shapes.len(), "a combination counts its profiles");
    prop_assert!(all <= had + IDLE_MAX, "few combinations outlive their profiles");
    Ok(())
}

fn add(profiles: &mut Profiles, naive: &mut Naive, serial: Serial, type_id: u32) {
    profiles.add(serial, TypeId(type_id), type_id == 0);
    naive.0[serial.0 as usize - 1].1.add(TypeId(type_id), type_id == 0);
}

/// Joins as a merge does, and answers how to take it back.
fn join(profiles: &mut Profiles, naive: &mut Naive, (loser, survivor): (Serial, Serial)) -> Profile {
    let before = profiles.row(survivor).clone();
    let gone = profiles.row(loser).clone();
    profiles.link(loser, survivor);
    profiles.change(survivor, |profile| profile.absorb(&gone));
    naive.0[loser.0 as usize - 1].0 = Some(survivor);
    naive.0[survivor.0 as usize - 1].1.absorb(&gone);
    before
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn merges_and_taking_them_back_leave_what_a_list_tells(
        held in prop::collection::vec((0..24_u32, 0..6_u32), 0..60),
        merges in prop::collection::vec((0..24_u32, 0..24_u32), 0..40),
        kept in 0..40_usize,
    ) {
        let (mut profiles, mut naive) = (Profiles::default(), Naive::default());
        for serial in 1..=24_u32 {
            profiles.create((serial % 3 == 0).then_some(Serial(1)), serial % 2);
            naive.0.push((None, Profile { merges: serial % 2, ..Profile::default() }));
        }
        for (serial, type_id) in held {
            add(&mut profiles, &mut naive, Serial(serial + 1), type_id);
        }
        let mut journal = Vec::new();
        for (a, b) in merges {
            let (a, b) = (naive.root(Serial(a + 1)), naive.root(Serial(b + 1)));
            if a != b {
                let pair = (a.max(b), a.min(b));
                journal.push((pair, join(&mut profiles, &mut naive, pair)));
            }
        }
        compare(&profiles, &naive)?;
        while journal.len() > kept {
            let Some(((loser, survivor), before)) = journal.pop() else { break };
            profiles.unlink(loser, survivor);
            profiles.change(survivor, |profile| *profile = before.clone());
            naive.0[loser.0 as usize - 1].0 = None;
            naive.0[survivor.0 as usize - 1].1 = before;
        }
        compare(&profiles, &naive)?;
        if journal.is_empty() {
            while naive.0.pop().is_some() {
                profiles.remove_last();
            }
            prop_assert!(profiles.is_empty());
            prop_assert_eq!((profiles.links.len(), profiles.sources.len(), profiles.shapes.len().0), (0, 0, 0));
        }
    }
}

#[test]
fn a_profile_that_grows_leaves_no_combinations_behind() {
    let mut profiles = Profiles::default();
    profiles.create(None, 0);
    for number in 0..1_000 {
        profiles.add(Serial(1), TypeId(number % 7), false);
    }
    assert_eq!(profiles.row(Serial(1)).identifiers, 1_000);
    assert_eq!(profiles.shapes.len().0, 1);
    assert!(profiles.shapes.len().1 <= 1 + IDLE_MAX);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn counts_follow_identifiers_that_come_and_go(
        changes in prop::collection::vec((1..6_u32, 0..4_u32, any::<bool>()), 0..400),
    ) {
        let mut profiles = Profiles::default();
        let mut naive = vec![Profile::default(); 5];
        (0..5).for_each(|_| profiles.create(None, 0));
        for (serial, type_id, more) in changes {
            let (serial, type_id, login) = (Serial(serial), TypeId(type_id), type_id == 0);
            let profile = &mut naive[serial.0 as usize - 1];
            // Many a combination is left for good, so that numbers are given anew.
            if more || profile.count(type_id) == 0 {
                profiles.add(serial, type_id, login);
                profile.add(type_id, login);
            } else {
                profiles.subtract(serial, type_id, login);
                profile.subtract(type_id, login);
            }
            prop_assert_eq!(profiles.row(serial), profile);
        }
        for (serial, profile) in (1..).map(Serial).zip(&naive) {
            prop_assert_eq!(profiles.row(serial), profile);
        }
    }
}

#[test]
fn loading_rows_in_order_makes_chains_of_one_step() {
    let mut profiles = Profiles::default();
    for number in 1..=1_000 {
        profiles.create(None, 0);
        if number > 1 {
            // A loader joins into profiles that are joined themselves.
            profiles.link(Serial(number), Serial(number - 1));
        }
    }
    assert!((1..=1_000).all(|number| profiles.root(Serial(number)) == Serial(1)));
    assert_eq!(profiles.members(Serial(1)).len(), 1_000);
    assert_eq!(profiles.groups.rows().filter(|group| group.size > 0).count(), 1);
}
