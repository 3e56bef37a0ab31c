//! Pauses: the index grows by an eighth, one call a commit, and every call is timed.

use utterson_engine::call::CallKind;
use utterson_engine::decide::decide;
use utterson_engine::ids::{EntryId, Micros};
use utterson_engine::policy::presets::preset;

use crate::figure::{Figures, Goal};
use crate::population::{EACH, NOW_US, NoEvents, call, of_person, settled};
use crate::time::nanoseconds;

/// Takes the figures.
pub fn measure(figures: &mut Figures, quick: bool) {
    let identifiers: u32 = if quick { 1_000_000 } else { 10_000_000 };
    let people = identifiers / EACH;
    let Some(mut state) = preset("identity_graph_rules").and_then(|spec| settled(&spec, people - people / 8)) else {
        return;
    };
    let mut times = Vec::new();
    for person in people - people / 8..people {
        let calls = [Ok(call(CallKind::Identify, &of_person(person)))];
        let next = (Micros(NOW_US + i64::from(person)), EntryId(u128::from(person).to_be_bytes()));
        times.push(nanoseconds(|| {
            let plan = decide(&mut state, &calls, next, &NoEvents);
            let applied = state.commit_own(&plan.entry, &plan.effects);
            assert!(applied.is_ok(), "an own plan applies");
        }));
    }
    times.sort_by(f64::total_cmp);
    let at = u64::from(identifiers);
    let mean = times.iter().sum::<f64>() / times.iter().map(|_| 1.0).sum::<f64>();
    figures.note("a new person while growing: mean", at, (mean / 1e3, "µs"));
    let goal = Goal { name: "pause", at_most: 5.0 };
    figures.judge(
        "a new person while growing: p999",
        at,
        (times[times.len() - 1 - times.len() / 1_000] / 1e6, "ms"),
        goal,
    );
    figures.note("a new person while growing: most", at, (times[times.len() - 1] / 1e6, "ms"));
}
