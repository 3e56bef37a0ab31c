//! Deciding on the state that another plan leads to, and what an import is told.

use proptest::prelude::*;

use super::import::Imported;
use super::{decide_after, decide_import};
use crate::call::{Call, ImportPlace, ImportRow, RawIdentifier};
use crate::fault::Fault;
use crate::ids::{EntryId, Micros};
use crate::policy::spec::PolicySpec;
use crate::rules_version::RulesVersion;
use crate::state::Diverged;
use crate::testing::calls::identify;
use crate::testing::dump::dump;
use crate::testing::{Readable, World, cases, histories, policies};

fn submitted<'c>(calls: &[Call<'c>]) -> Vec<Result<Call<'c>, Fault>> {
    calls.iter().cloned().map(Ok).collect()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_plan_made_ahead_is_the_plan_made_in_its_turn(
        [(spec, history), (_, calls)] in histories::any_history(16),
        cut in 0usize..16,
    ) {
        let mut world = World::new(&spec);
        world.run_all(&history);
        let (first, second) = calls.split_at(cut.min(calls.len()));
        let under_way = world.plan(first);
        if under_way.effects.is_empty() {
            return Ok(());
        }
        let (before, head) = (dump(&world.state), world.state.head);
        // The clock may stand still meanwhile: commit times rise all the same.
        let stamp = (under_way.entry.commit_time, EntryId([7; 16]));
        let base = (&under_way.entry, &*under_way.effects);
        let ahead = decide_after(&mut world.state, base, &submitted(second), stamp, &Readable);
        let ahead = ahead.expect("the plan is of this state");
        prop_assert_eq!((dump(&world.state), world.state.head), (before, head));
        world.commit(under_way);
        let in_turn = super::decide(&mut world.state, &submitted(second), stamp, &Readable);
        prop_assert_eq!(format!("{:?}", ahead), format!("{:?}", in_turn));
        world.commit(ahead);
    }
}

#[test]
fn a_plan_of_another_state_leads_nowhere() {
    let mut world = World::new(&policies::boundless());
    let stale = world.plan(&[identify("a=1")]);
    world.accept(&identify("a=2"));
    let before = dump(&world.state);
    let stamp = (Micros(stale.entry.commit_time.0 + 1), EntryId([7; 16]));
    let calls = submitted(&[identify("a=3")]);
    let ahead = decide_after(&mut world.state, (&stale.entry, &stale.effects), &calls, stamp, &Readable);
    assert_eq!(ahead.err(), Some(Diverged::NotNext));
    assert_eq!(dump(&world.state), before);
}

#[test]
fn a_value_of_an_import_is_told_of_its_row_by_the_rules_of_0_1_too() {
    let mut world = World::new(&PolicySpec { rules_version: RulesVersion::Zero, ..policies::boundless() });
    let row = |message: usize, value: &'static str| ImportRow {
        place: ImportPlace { message, within: None },
        identifiers: vec![RawIdentifier { type_name: "email".into(), value: value.into() }],
        traits: Vec::new(),
        create_time: None,
        merges: 0,
    };
    let next = world.next();
    let made = decide_import(&mut world.state, &[row(0, "a")], "r", next, &Readable).expect("good rows");
    let Imported::New { plan, .. } = made else { panic!("new") };
    world.commit(*plan);
    for (value, expected) in [("b\n", Some("messages[1].identifiers[0].value")), ("b", None)] {
        let next = world.next();
        let refused = decide_import(&mut world.state, &[row(0, "a"), row(1, value)], "r", next, &Readable);
        let fault = refused.expect_err("the id is another import's");
        assert_eq!(fault.violations.first().map(|one| one.field.as_str()), expected, "{}", fault.message);
    }
}
