//! Cost against merges (G13): chains in which each profile was joined into the next older one. What is looked for was
//! given to the profile that was joined first of all. Every call is made once before the clock starts.

use std::hint::black_box;
use std::sync::Arc;

use utterson_engine::call::CallKind;
use utterson_engine::ids::{Micros, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::state::{LoadedIdentifier, LoadedProfile, State};

use crate::decision;
use crate::figure::{Figures, Goal};
use crate::population::{NOW_US, call, empty, profile, raised};
use crate::time::median;
use crate::whole;

/// Chains: as many whatever their length, so that only the length differs.
const CHAINS: u32 = 1_000;
const DEPTHS: [u32; 4] = [0, 1, 10, 100];

/// Takes the figures.
pub fn measure(figures: &mut Figures, quick: bool) {
    let runs = if quick { 5 } else { 21 };
    let states: Vec<_> = DEPTHS.into_iter().filter_map(|depth| Some((depth, chains(depth)?))).collect();
    let mut states: Vec<(u32, State)> = states;
    let mut times: Vec<[Vec<f64>; 2]> = states.iter().map(|_| [Vec::new(), Vec::new()]).collect();
    // All depths in turn, so that a disturbance meets all.
    for _ in 0..runs {
        for ((_, state), times) in states.iter_mut().zip(&mut times) {
            let calls: Vec<[Digest; 3]> = (0..20 * CHAINS).map(|place| digests(state, place % CHAINS)).collect();
            black_box(decision::run(state, &calls));
            times[0].push(decision::run(state, &calls));
            let make = |place: usize| {
                let chain = u32::try_from(place).unwrap_or(0) % CHAINS;
                call(CallKind::Identify, &[0, 1, 2].map(|which| own(chain, which)))
            };
            times[1].push(whole::run(state, make));
        }
    }
    let depths = states.iter().map(|(depth, _)| *depth);
    let medians: Vec<(u32, [f64; 2])> = depths.zip(times.into_iter().map(|times| times.map(median))).collect();
    let flat = medians.iter().find(|(depth, _)| *depth == 1).map(|(_, times)| *times);
    let goal = Goal { name: "G13", at_most: 1.2 };
    for (depth, [decision, whole]) in medians {
        let at = u64::from(depth);
        figures.note("decision by merge depth", at, (decision, "ns"));
        figures.note("whole decision by merge depth", at, (whole, "ns"));
        if let Some([one, one_whole]) = flat.filter(|_| depth > 1) {
            figures.judge("decision by merge depth ÷ depth 1", at, (decision / one, "×"), goal);
            figures.judge("whole decision by merge depth ÷ depth 1", at, (whole / one_whole, "×"), goal);
        }
    }
}

fn own(chain: u32, which: u32) -> (&'static str, String) {
    ("device_id", format!("{chain}-{which}"))
}

fn digests(state: &State, chain: u32) -> [Digest; 3] {
    [0, 1, 2].map(|which| {
        let (name, value) = own(chain, which);
        state.digester.identifier(name, &value)
    })
}

fn chains(depth: u32) -> Option<State> {
    let mut state = empty(&raised("identity_graph_rules"))?;
    let length = depth + 1;
    let last = |chain: u32| Serial(chain * length + length);
    for chain in 0..CHAINS {
        for place in 1..=length {
            let serial = chain * length + place;
            let merged_into = (place > 1).then_some(Serial(serial - 1));
            state.load_profile(&LoadedProfile { merged_into, ..profile(serial) });
        }
    }
    let type_name: Arc<str> = Arc::from("device_id");
    for chain in 0..CHAINS {
        for digest in digests(&state, chain) {
            state.load_identifier(&LoadedIdentifier {
                digest,
                serial: last(chain),
                type_name: Arc::clone(&type_name),
                add_time: Micros(NOW_US),
                seen_day: Micros(NOW_US).day(),
                exclusive: true,
            });
        }
    }
    let expected = state.hash;
    state.finish_loading(expected);
    Some(state)
}
