//! A whole decision: a call with its words, through the rules, and taken back.

use std::hint::black_box;

use utterson_engine::call::Call;
use utterson_engine::decide::{Submission, decide};
use utterson_engine::ids::{EntryId, Micros};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::state::State;

use crate::decision::BATCH;
use crate::population::{NOW_US, NoEvents};
use crate::time::nanoseconds;

/// Calls of one run.
const CALLS: usize = 40 * BATCH;

/// Nanoseconds a call, in batches; `make` makes the call of a place.
pub fn run(state: &mut State, make: impl FnMut(usize) -> Call<'static>) -> f64 {
    let calls: Vec<Submission> = (0..CALLS).map(make).map(Ok).collect();
    let next = (Micros(NOW_US + 1), EntryId([7; 16]));
    let whole = nanoseconds(|| {
        for batch in calls.chunks(BATCH) {
            black_box(state.warm(&digests(state, batch)));
            black_box(decide(state, batch, next, &NoEvents));
        }
    });
    whole / calls.iter().map(|_| 1.0).sum::<f64>()
}

fn digests(state: &State, batch: &[Submission]) -> Vec<Digest> {
    let identifiers = batch.iter().flatten().flat_map(|call| &call.identifiers);
    identifiers.map(|one| state.digester.identifier(&one.type_name, &one.value)).collect()
}
