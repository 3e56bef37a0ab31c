//! A sound state is found sound whatever is called meanwhile; every broken bit and every bug that is seeded is found.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use crate::call::CallKind;
use crate::ids::{Day, Micros, Serial};
use crate::plan::Effect;
use crate::policy::spec::{OnLogout, OnNewKnownUser};
use crate::state::scrub::{Finding, Step};
use crate::state::{At, LoadedIdentifier, LoadedProfile, State};
use crate::testing::calls::{call, identify, modify};
use crate::testing::{START_US, World, cases, histories, policies};

/// Scrubs to the end of the second round from now, so that a whole one lies between: what it finds first.
fn scrubbed(state: &mut State) -> Option<Finding> {
    let mut rounds = 0;
    while rounds < 2 {
        let Step { round, finding, .. } = state.scrub(50);
        if finding.is_some() {
            return finding;
        }
        rounds += usize::from(round);
    }
    None
}

/// Merges, detached identifiers and free rows.
fn merged() -> World {
    let mut world = World::new(&policies::boundless());
    for number in 0..40 {
        world.accept(&identify(&format!("a={number} b={number}")));
        world.accept(&identify(&format!("c={number}")));
    }
    for number in 0..12 {
        world.accept(&identify(&format!("a={number} c={number}")));
        world.accept(&identify(&format!("b={number} b={}", number / 3)));
    }
    world.run(&modify(30, &[("a", "14", "")]));
    world.run(&modify(31, &[("c", "15", "")]));
    world
}

/// Devices of many profiles, some of them known.
fn shared() -> World {
    let mut world =
        World::new(&policies::isolation(false, OnNewKnownUser::CreateLinkedProfile, OnLogout::CreateAnonymous));
    for number in 0..30 {
        world.run(&call(CallKind::Login, &format!("customer={number} device=1 cookie={}", number / 2)));
        world.accept(&identify(&format!("device={} cookie=x{number}", number / 8)));
        world.accept(&call(CallKind::Logout, &format!("customer={number} device=1")));
    }
    assert!(world.state.index.places().len() > 90);
    world
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_sound_state_is_sound_between_any_calls(
        [(spec, calls), (later, more)] in histories::any_history(20),
        steps in prop::collection::vec(1..30_usize, 1..40),
    ) {
        let mut world = World::new(&spec);
        for (place, one) in calls.iter().chain(&more).enumerate() {
            if place == calls.len() {
                world.change_policy(&later);
            }
            world.run(one);
            prop_assert_eq!(world.state.scrub(steps[place % steps.len()]).finding, None);
        }
        prop_assert_eq!(scrubbed(&mut world.state), None);
    }
}

#[test]
fn a_round_walks_every_row_once_and_is_told() {
    let mut world = merged();
    scrubbed(&mut world.state);
    let (mut rows, mut steps) = (0, 0);
    loop {
        let step = world.state.scrub(16);
        (rows, steps) = (rows + step.rows, steps + 1);
        if step.round {
            break;
        }
    }
    assert_eq!(rows, world.state.profiles.len() + world.state.index.len());
    assert!(steps > 20, "a step is short");
}

/// Every bit of every row turned over, one at a time: each is found, or changes nothing.
fn each_bit_is_found(world: &World) {
    let mut state = world.state.clone();
    assert_eq!(scrubbed(&mut state), None);
    let mut found = 0;
    for (number, at) in state.index.places().into_iter().enumerate() {
        for bit in (0..256).filter(|bit| (bit + 7 * number) % 5 == 0) {
            let mut broken = state.clone();
            let used = broken.index.is_used(at);
            if broken.index.flip(at, u32::try_from(bit).expect("few")) {
                let told = scrubbed(&mut broken);
                assert!(told.is_some() || !used, "bit {bit} of the row at {at:x}");
                found += usize::from(told.is_some());
            }
        }
    }
    assert!(found > 1_000, "{found}");
}

#[test]
fn a_broken_bit_of_a_row_is_found() {
    each_bit_is_found(&merged());
    each_bit_is_found(&shared());
}

#[test]
fn a_broken_bit_of_a_profile_is_found() {
    for world in [merged(), shared()] {
        for number in 1..=world.state.profiles.len() {
            let serial = Serial(u32::try_from(number).expect("few"));
            for bit in 0..64 {
                let mut broken = world.state.clone();
                broken.profiles.flip(serial, bit);
                // Reading on from a number that leads nowhere breaks off, which drops the state as well.
                let found =
                    catch_unwind(AssertUnwindSafe(|| scrubbed(&mut broken))).map_or(true, |told| told.is_some());
                // Whoever has no source has none whatever the row says.
                let same = broken.profiles.source(serial) == world.state.profiles.source(serial);
                assert!(found || (bit == 62 && same), "bit {bit} of profile {number}");
            }
        }
    }
}

#[test]
fn a_broken_bit_of_a_table_is_found_where_it_matters() {
    let world = merged();
    let held: Vec<_> = world.state.index.places().into_iter().filter(|&at| world.state.index.is_used(at)).collect();
    for bit in 0..512 {
        let mut broken = world.state.clone();
        let shard = broken.index.entry(held[bit % held.len()]).digest.to_bytes()[0];
        broken.index.flip_slots(shard, bit);
        let found = catch_unwind(AssertUnwindSafe(|| scrubbed(&mut broken))).map_or(true, |told| told.is_some());
        let right = held.iter().all(|&at| {
            let entry = world.state.index.entry(at);
            catch_unwind(AssertUnwindSafe(|| broken.index.find(entry.digest, entry.serial)))
                .is_ok_and(|told| told == Some(at))
        });
        assert!(found || right, "bit {bit} of shard {shard}");
    }
}

#[test]
fn a_wrong_absent_is_found() {
    let mut world = merged();
    let digest = world.state.digester.identifier("a", "20");
    world.state.index.lose(digest);
    assert!(world.state.index.first(digest).is_none(), "whoever comes now gets a second profile");
    assert_eq!(scrubbed(&mut world.state), Some(Finding::Absent));
}

#[test]
fn a_change_that_nobody_committed_is_found() {
    let world = merged();
    let digest = world.state.digester.identifier("a", "20");
    let entry = world.state.index.first(digest).expect("it is held");
    let (serial, at) = (entry.serial, At { seq: world.state.head.seq, commit_time: Micros(0) });
    let detach = Effect::Detach { digest, serial, exclusive: true };
    let seen = Effect::Seen { digest, serial, day: Day(30_000), exclusive: true };
    for (effect, finding) in [(detach, Finding::Count), (seen, Finding::Sum)] {
        let mut broken = world.state.clone();
        broken.apply_unhashed(&effect, at);
        assert_eq!(scrubbed(&mut broken), Some(finding));
    }
}

#[test]
fn a_posting_that_is_wrong_is_found() {
    let world = shared();
    let digest = world.state.digester.identifier("device", "1");
    let entries = (1..=u32::try_from(world.state.profiles.len()).expect("few"))
        .map(Serial)
        .filter(|&serial| world.state.index.holds(digest, serial));
    for serial in entries {
        let known = world.state.is_known(serial);
        let mut broken = world.state.clone();
        broken.index.mistake_holder(digest, serial, !known);
        assert_eq!(scrubbed(&mut broken), Some(Finding::Posting));
        let mut broken = world.state.clone();
        broken.index.forget_holder(digest, serial);
        assert!(matches!(scrubbed(&mut broken), Some(Finding::Absent | Finding::Posting)));
    }
}

#[test]
fn two_owners_are_found() {
    let mut world = merged();
    let digest = world.state.digester.identifier("a", "20");
    let entry = world.state.index.first(digest).expect("it is held");
    let type_name = world.state.types.name(entry.type_id).clone();
    let attachment = crate::plan::Attachment {
        digest,
        serial: Serial(1),
        type_name,
        add_time: entry.add_time,
        seen_day: entry.seen_day,
        changed: None,
        raw: "20".into(),
        exclusive: true,
    };
    let effect = Effect::Attach(attachment);
    let undo = world.state.apply_unhashed(&effect, At { seq: world.state.head.seq, commit_time: Micros(0) });
    world.state.sum(&effect, &undo);
    assert_eq!(scrubbed(&mut world.state), Some(Finding::Owners));
}

#[test]
fn a_free_row_that_is_none_is_found() {
    let world = merged();
    for shard in 0..=u8::MAX {
        let mut broken = world.state.clone();
        broken.index.lead_free_rows_to(shard, 0);
        assert_eq!(scrubbed(&mut broken), Some(Finding::Count), "shard {shard}");
    }
}

#[test]
fn the_shortest_steps_come_to_an_end() {
    let mut state = World::new(&policies::boundless()).fresh();
    let create_time = Micros(START_US);
    let (source, imported_merges, merged_into) = (None, 0, None);
    for serial in (1..=5_000).map(Serial) {
        assert!(state.load_profile(&LoadedProfile { serial, create_time, source, imported_merges, merged_into }));
    }
    for number in 0..20_000_u32 {
        let digest = state.digester.identifier("a", &number.to_string());
        let (serial, type_name, add_time) = (Serial(number % 5_000 + 1), "a".into(), create_time);
        let row = LoadedIdentifier { digest, serial, type_name, add_time, seen_day: Day(1), exclusive: true };
        assert!(state.load_identifier(&row));
    }
    // A shard takes more than one such step to be counted.
    let steps = (0..100_000).take_while(|_| !state.scrub(1).round).count();
    assert!((5_000..100_000).contains(&steps));
}
