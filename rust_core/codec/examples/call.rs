//! The whole core call, step by step.
#![allow(missing_docs, clippy::print_stdout, clippy::cast_precision_loss, clippy::needless_range_loop, dead_code)]

use std::time::{Duration, Instant};

use utterson_codec::{decode, encode};
use utterson_engine::decide::{Submission, decide};
use utterson_engine::ids::EntryId;
use utterson_engine::state::State;

#[path = "../tests/cost/counting.rs"]
mod counting;
#[path = "../tests/cost/workload.rs"]
mod workload;

use counting::{Asked, Counting, counted};
use workload::{NOW, People, message, workspace};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const STEPS: [&str; 6] = ["decode", "decide", "encode", "respond", "apply", "drop"];

#[derive(Default)]
struct Totals {
    times: [Duration; 6],
    asked: [Asked; 6],
}

fn step<T>(totals: &mut Totals, which: usize, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let (made, asked) = counted(work);
    totals.times[which] += start.elapsed();
    totals.asked[which].allocations += asked.allocations;
    totals.asked[which].bytes += asked.bytes;
    made
}

#[inline(never)]
fn run(state: &mut State, request: &[u8], id: u64, totals: &mut Totals) -> usize {
    let mut entry = [0; 16];
    entry[..8].copy_from_slice(&id.to_be_bytes());
    let batch = step(totals, 0, || decode::batch(request).expect("a batch"));
    let calls: Vec<&Submission<'_>> = batch.groups.iter().flat_map(|group| &group.submissions).collect();
    let plan = step(totals, 1, || decide(state, calls.iter().copied(), (NOW, EntryId(entry)), &encode::EventEncoder));
    let encoded = step(totals, 2, || encode::decided(&plan, &calls, &state.digester));
    let response = step(totals, 3, || {
        let results: Vec<(bool, &[u8])> = encoded
            .answers
            .iter()
            .map(|answer| match answer {
                encode::Answer::Accepted(range) => (true, &encoded.accepted[range.clone()]),
                encode::Answer::Refused(_) | encode::Answer::Repeated { .. } => panic!("not accepted"),
            })
            .collect();
        encode::batch(&results)
    });
    step(totals, 4, || {
        if !plan.effects.is_empty() {
            state.commit(&plan.entry, &plan.effects).expect("it fits");
        }
    });
    drop(calls);
    let size = response.len();
    step(totals, 5, || drop((batch, plan, encoded, response)));
    size
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let known = arguments.next().unwrap_or(333_333);
    let in_message = usize::try_from(arguments.next().unwrap_or(100)).expect("a size");
    let count = usize::try_from(arguments.next().unwrap_or(1000)).expect("a size");
    let mut people = People::new(known);
    let mut state = workspace("identity_graph_rules");
    let population: Vec<_> = people.population().collect();
    let mut id = 0;
    let mut ignored = Totals::default();
    for chunk in population.chunks(1000) {
        id += 1;
        run(&mut state, &message(chunk.to_vec()), id, &mut ignored);
    }
    drop(population);
    let messages: Vec<Vec<u8>> = (0..count).map(|_| message(people.calls(in_message))).collect();
    let mut totals = Totals::default();
    let mut size = 0;
    let mut best = [Duration::MAX; 6];
    for request in &messages {
        id += 1;
        let mut one = Totals::default();
        size += run(&mut state, request, id, &mut one);
        for which in 0..6 {
            totals.times[which] += one.times[which];
            best[which] = best[which].min(one.times[which]);
            totals.asked[which].allocations += one.asked[which].allocations;
            totals.asked[which].bytes += one.asked[which].bytes;
        }
    }
    let calls = (in_message * count) as f64;
    let request_size: usize = messages.iter().map(Vec::len).sum();
    println!("bytes in {:.0} out {:.0}", request_size as f64 / calls, size as f64 / calls);
    let mut sums = (0.0, 0.0, 0.0);
    for (which, name) in STEPS.iter().enumerate() {
        let ns = totals.times[which].as_nanos() as f64 / calls;
        let least = best[which].as_nanos() as f64 / in_message as f64;
        let allocations = totals.asked[which].allocations as f64 / calls;
        sums = (sums.0 + ns, sums.1 + allocations, sums.2 + least);
        let bytes = totals.asked[which].bytes as f64 / calls;
        println!("{name:8} {ns:7.0} ns (least {least:6.0})  {allocations:6.2} allocations {bytes:7.0} bytes");
    }
    println!("all      {:7.0} ns (least {:6.0})  {:6.2} allocations", sums.0, sums.2, sums.1);
}
