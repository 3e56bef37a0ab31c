//! One order: batches, replays and loads come to the same state, and deciding leaves no trace.

use proptest::prelude::*;

use crate::call::Call;
use crate::decide::decide;
use crate::ids::{Micros, Position, Seq, Serial};
use crate::plan::{Decided, Effect, Plan, Verdict};
use crate::policy::spec::PolicySpec;
use crate::state::marks::RequestMark;
use crate::state::{Diverged, LoadedIdentifier, LoadedProfile, State, invariants};
use crate::testing::calls::identify;
use crate::testing::dump::dump;
use crate::testing::{CLOCK_US, Readable, START_US, World, cases, histories, policies};

/// What a call came to, but for where in the log it stands.
fn told(decided: &[Decided]) -> Vec<String> {
    let tell = |one: &Decided| {
        let mut one = one.clone();
        if let Verdict::Resolution(resolution) = &mut one.verdict {
            resolution.revision.0 = Seq(0);
            resolution.revision.1.0 = [0; 16];
        }
        format!("{one:?}")
    };
    decided.iter().map(tell).collect()
}

/// Effects, but for the place of the call within its commit. What one call takes off has no order of its own.
fn done(effects: &[Effect]) -> Vec<String> {
    let tell = |effect: &Effect| {
        let mut effect = effect.clone();
        match &mut effect {
            Effect::SetTrait { position, .. }
            | Effect::StoreEvent { position, .. }
            | Effect::UseRequest { position, .. } => *position = Position(0),
            Effect::CreateProfile { .. }
            | Effect::Attach(_)
            | Effect::Detach { .. }
            | Effect::Seen { .. }
            | Effect::Merge { .. }
            | Effect::ChangePolicy { .. } => {}
        }
        format!("{effect:?}")
    };
    let mut done: Vec<String> = effects.iter().map(tell).collect();
    done.sort();
    done
}

/// A world after a history under two policies.
fn lived([(spec, calls), (later, more)]: &[(PolicySpec, Vec<Call<'static>>); 2]) -> World {
    let mut world = World::new(spec);
    for (place, call) in calls.iter().chain(more).enumerate() {
        if place == calls.len() {
            let before = world.view.clone();
            world.change_policy(later);
            assert_eq!(world.view, before, "nothing is decided anew");
        }
        let mut call = call.clone();
        if place % 3 == 0 {
            call.request_id = format!("request{place}").into();
        }
        world.run(&call);
    }
    world
}

/// The state as the loader makes it from the tables' rows.
fn loaded(world: &World) -> State {
    let from = &world.state;
    let policy = (from.policy_revision, from.policy.clone(), from.policy_encoded.to_vec());
    let mut state = State::empty(&crate::testing::DIGEST_KEY, &crate::testing::ID_KEY, policy, from.head);
    for (&serial, person) in &world.view.people {
        let create_time = person.create_time.expect("given");
        let (source, merged_into) = (person.source, person.into);
        let joined = world.view.people.iter().filter(|(_, other)| other.into == Some(serial));
        let told_by_them: u32 = joined.map(|(&other, _)| from.profiles.row(other).merges + 1).sum();
        let imported_merges = from.profiles.row(serial).merges - told_by_them;
        assert!(state.load_profile(&LoadedProfile { serial, create_time, source, imported_merges, merged_into }));
    }
    for entry in world.view.people.keys().rev().flat_map(|&serial| from.own_entries(serial)) {
        assert!(state.load_identifier(&LoadedIdentifier {
            digest: entry.digest,
            serial: entry.serial,
            type_name: from.types.name(entry.type_id).clone(),
            add_time: entry.add_time,
            seen_day: entry.seen_day,
            exclusive: entry.exclusive,
        }));
    }
    for ((serial, name), row) in &world.view.traits {
        state.load_trait(*serial, name, row.value.as_deref(), (row.time, row.seq, row.position));
    }
    let mut requests: Vec<_> = from.requests.all().map(|(digest, mark)| (digest, *mark)).collect();
    requests.sort_by_key(|(digest, RequestMark { time, .. })| (*time, *digest));
    for (digest, mark) in requests {
        state.load_request(digest, mark);
    }
    assert!(state.finish_loading(from.hash), "the hash comes out as the head says");
    state
}

/// The state as a replica makes it from the log.
fn replayed(world: &World) -> State {
    let mut state = world.fresh();
    for Plan { entry, effects, .. } in &world.log {
        state.commit(entry, effects).expect("an entry of the log");
    }
    state
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn a_batch_is_its_calls_one_by_one(
        [(spec, history), (_, mut calls)] in histories::any_history(15),
    ) {
        // A call without a time takes the commit's, which is another one in another entry; so does one far ahead.
        for call in &mut calls {
            call.event_time = call.event_time.filter(|time| time.0 < CLOCK_US).or(Some(Micros(START_US)));
        }
        let mut together = World::new(&spec);
        together.run_all(&history);
        let mut apart = together.clone();
        let entries = apart.log.len();
        let plan = together.plan(&calls);
        let mut decided = Vec::new();
        for call in &calls {
            let one = apart.plan(std::slice::from_ref(call));
            decided.extend(one.decided.clone());
            apart.commit(one);
        }
        let effects: Vec<Effect> = apart.log[entries..].iter().flat_map(|one| one.effects.clone()).collect();
        prop_assert_eq!(told(&plan.decided), told(&decided));
        prop_assert_eq!(done(&plan.effects), done(&effects));
        together.commit(plan);
        prop_assert_eq!(together.view.held(), apart.view.held());
    }

    #[test]
    fn deciding_leaves_no_trace_and_says_the_same_again(history in histories::any_history(12)) {
        let mut world = lived(&history);
        let [_, (_, calls)] = history;
        let before = dump(&world.state);
        let first = world.plan(&calls);
        prop_assert_eq!(&dump(&world.state), &before);
        prop_assert_eq!(invariants::check(&world.state), Vec::<String>::new());
        let second = world.plan(&calls);
        prop_assert_eq!(told(&first.decided), told(&second.decided));
        prop_assert_eq!(done(&first.effects), done(&second.effects));
        prop_assert_eq!(first.entry.state_hash, second.entry.state_hash);
        prop_assert_eq!(dump(&world.state), before);
    }

    #[test]
    fn a_replay_and_a_load_come_to_the_same_state(history in histories::any_history(15)) {
        let mut world = lived(&history);
        let [_, (_, calls)] = history;
        let submissions: Vec<_> = calls.into_iter().map(Ok).collect();
        let next = world.next();
        let expected = dump(&world.state);
        let plan = decide(&mut world.state, &submissions, next, &Readable);
        for mut other in [replayed(&world), loaded(&world)] {
            prop_assert_eq!(&dump(&other), &expected);
            prop_assert_eq!(invariants::check(&other), Vec::<String>::new());
            let same = decide(&mut other, &submissions, next, &Readable);
            prop_assert_eq!(told(&same.decided), told(&plan.decided));
            prop_assert_eq!(done(&same.effects), done(&plan.effects));
            if !plan.effects.is_empty() {
                prop_assert_eq!(other.commit(&plan.entry, &plan.effects), Ok(()));
            }
        }
    }
}

#[test]
fn commit_times_rise_whatever_the_clocks_say() {
    let mut world = World::new(&policies::boundless());
    world.accept(&identify("a=1"));
    let before = world.state.head.commit_time;
    world.lead_us = -10_000_000;
    world.accept(&identify("a=2"));
    assert_eq!(world.state.head.commit_time, Micros(before.0 + 1));
}

#[test]
fn an_entry_that_does_not_follow_is_not_taken() {
    let mut world = World::new(&policies::boundless());
    let plan = world.plan(&[identify("a=1")]);
    world.accept(&identify("a=2"));
    assert_eq!(world.state.clone().commit(&plan.entry, &plan.effects), Err(Diverged::NotNext));
    let mut plan = world.plan(&[identify("a=3")]);
    plan.entry.state_hash.graph ^= 1;
    assert_eq!(world.state.clone().commit(&plan.entry, &plan.effects), Err(Diverged::Hash));
    if let Some(Effect::CreateProfile { serial, .. }) = plan.effects.first_mut() {
        *serial = Serial(9);
    }
    assert_eq!(world.state.clone().commit(&plan.entry, &plan.effects), Err(Diverged::Misfit));
}

#[test]
fn an_entry_that_gives_an_identifier_a_second_owner_is_not_taken() {
    let mut world = World::new(&policies::merge([None, None, None, None], 100, 0));
    world.accept(&identify("a=1"));
    let taken = world.state.own_entries(Serial(1)).next().expect("an identifier").digest;
    let mut plan = world.plan(&[identify("a=2")]);
    for effect in &mut plan.effects {
        if let Effect::Attach(attachment) = effect {
            attachment.digest = taken;
        }
    }
    assert_eq!(world.state.clone().commit(&plan.entry, &plan.effects), Err(Diverged::Misfit));
}
