//! The whole call in batches (G8): bytes to calls, decision, columns, log record and answers; beside a cache miss.

#[path = "../../../rust_core/codec/tests/cost/workload.rs"]
mod workload;

use std::hint::black_box;

use utterson_codec::{decode, encode};
use utterson_engine::decide::{Submission, decide};
use utterson_engine::ids::EntryId;
use utterson_engine::state::State;

use crate::figure::{Figures, Goal};
use crate::miss::Chase;
use crate::population::EACH;
use crate::time::{median, nanoseconds};

const CALLS_IN_BATCH: usize = 100;
const BATCHES: usize = 300;
const CALLS_IN_IMPORT: usize = 1000;
/// The size that the goal is meant for.
const GOAL_FROM: u32 = 10_000_000;

/// Takes the figures at every size.
pub fn measure(figures: &mut Figures, chase: &Chase, sizes: &[u32], runs: usize) {
    for &identifiers in sizes {
        let mut people = workload::People::new(u64::from(identifiers / EACH));
        let mut world = World { state: workload::workspace("identity_graph_rules"), entries: 0 };
        let population: Vec<_> = people.population().collect();
        for part in population.chunks(CALLS_IN_IMPORT) {
            world.run(&workload::message(part.to_vec()));
        }
        drop(population);
        let (mut calls, mut applied, mut misses) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..runs {
            let messages: Vec<_> = (0..BATCHES).map(|_| workload::message(people.calls(CALLS_IN_BATCH))).collect();
            misses.push(chase.run(run));
            let spent: Vec<_> = messages.iter().map(|message| world.run(message)).collect();
            calls.push(each(spent.iter().map(|spent| spent.call)));
            applied.push(each(spent.iter().map(|spent| spent.applying)));
        }
        let (at, call, miss) = (u64::from(identifiers), median(calls), median(misses));
        figures.note("whole call, in batches of 100", at, (call, "ns"));
        figures.note("applying a call's effects", at, (median(applied), "ns"));
        let goal = (identifiers >= GOAL_FROM).then_some(Goal { name: "G8", at_most: 3.0 });
        figures.judge("whole call ÷ one dependent cache miss", at, (call / miss, "misses"), goal);
    }
}

fn each(spent: impl ExactSizeIterator<Item = f64>) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousand calls")]
    let calls = (spent.len() * CALLS_IN_BATCH) as f64;
    spent.sum::<f64>() / calls
}

/// What a batch took, in nanoseconds.
struct Spent {
    call: f64,
    applying: f64,
}

/// A workspace, and how many entries its log has.
struct World {
    state: State,
    entries: u64,
}

impl World {
    /// Takes a batch's bytes to a response's bytes, then its effects into the state, as a server does.
    fn run(&mut self, message: &[u8]) -> Spent {
        self.entries += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.entries.to_be_bytes());
        let mut made = None;
        let call = nanoseconds(|| {
            let Ok(batch) = decode::batch(message) else { return };
            let calls: Vec<&Submission<'_>> = batch.groups.iter().flat_map(|group| &group.submissions).collect();
            let stamp = (workload::NOW, EntryId(id));
            let plan = decide(&mut self.state, calls.iter().copied(), stamp, &encode::EventEncoder);
            let encoded = encode::decided(&plan, &calls, &self.state.digester);
            black_box(encoded.batch(0..calls.len()));
            made = Some((plan, encoded));
        });
        let applying = nanoseconds(|| {
            if let Some((plan, _)) = made.as_ref().filter(|(plan, _)| !plan.effects.is_empty()) {
                assert_eq!(self.state.commit_own(&plan.entry, &plan.effects), Ok(()));
            }
        });
        Spent { call, applying }
    }
}
