//! What a call costs the core, held against stored figures: a change that makes it dearer has to say so here.
//!
//! Allocations are counted exactly. Work is measured against a yardstick in the same process: by instructions where
//! valgrind is there, else by time, as the least of many short runs. `COST=print` shows the figures.

#![allow(clippy::print_stderr, reason = "a figure nobody sees cannot be stored")]

mod counting;
mod run;
mod workload;
mod yardstick;

use std::process::Command;
use std::time::{Duration, Instant};

use counting::{Counting, counted};
use run::Core;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BATCHES: usize = 20;
const CALLS_IN_BATCH: usize = 100;

/// Allocations and bytes asked for, by `BATCHES` batches.
const ALLOCATIONS: u64 = 6_663;
const BYTES: u64 = 6_152_215;

/// The core's work in hundredths of the yardstick's, of optimised builds.
const INSTRUCTIONS_RATIO: u64 = 269;
const TIME_RATIO: u64 = 240;

/// What a batch with a tenth of dirty values may take, in hundredths of a clean one.
const DIRTY_MAX: u64 = 120;

/// How much dearer than stored is still the same.
const SLACK_PERCENT: u64 = 8;
/// How long a noisy machine is given for one quiet moment.
const PATIENCE: Duration = Duration::from_secs(20);

fn prints() -> bool {
    std::env::var_os("COST").is_some()
}

#[test]
fn a_call_asks_for_no_more_memory_than_before() {
    let mut core = Core::new();
    let ((), asked) = counted(|| core.work());
    if prints() {
        eprintln!("{asked:?}");
    }
    assert!(asked.allocations <= ALLOCATIONS, "{} allocations, {ALLOCATIONS} before", asked.allocations);
    let most = BYTES + BYTES * SLACK_PERCENT / 100;
    assert!(asked.bytes <= most, "{} bytes, {BYTES} before", asked.bytes);
}

/// Only of optimised builds: what the compiler leaves in otherwise nobody ever runs.
#[test]
#[cfg_attr(debug_assertions, ignore = "needs an optimised build")]
fn a_call_does_no_more_work_than_before() {
    if let (Some(core), Some(yardstick)) = (instructions("the_core_alone"), instructions("the_yardstick_alone")) {
        judge("instructions", core * 100 / yardstick, INSTRUCTIONS_RATIO);
        return;
    }
    let began = Instant::now();
    let (mut core, mut yardstick) = (Duration::MAX, Duration::MAX);
    let ratio = loop {
        let mut work = Core::new();
        core = core.min(timed(|| work.work()));
        yardstick = yardstick.min(timed(yardstick::work));
        let ratio = u64::try_from(core.as_nanos() * 100 / yardstick.as_nanos()).unwrap_or(u64::MAX);
        // Disturbances only make things slower: the first quiet moment tells.
        let enough = began.elapsed() > PATIENCE / 10 && ratio <= limit(TIME_RATIO);
        if enough || began.elapsed() > PATIENCE {
            break ratio;
        }
    };
    judge("time", ratio, TIME_RATIO);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "needs an optimised build")]
fn dirty_values_cost_little_more_than_clean_ones() {
    let Some(clean) = instructions("the_core_alone") else { return };
    let Some(dirty) = instructions("dirty_values_alone") else { return };
    if prints() {
        eprintln!("dirty: {dirty} instructions, clean: {clean}");
    }
    assert!(dirty * 100 <= clean * DIRTY_MAX, "dirty values take {} hundredths of clean ones", dirty * 100 / clean);
}

fn limit(before: u64) -> u64 {
    before + before * SLACK_PERCENT / 100
}

fn judge(what: &str, ratio: u64, before: u64) {
    if prints() {
        eprintln!("{what}: {ratio} hundredths of the yardstick");
    }
    assert!(ratio <= limit(before), "{what}: the core takes {ratio} hundredths of the yardstick, {before} before");
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The instructions of one part below, each in a process of its own under valgrind; `None` where there is none.
fn instructions(part: &str) -> Option<u64> {
    let myself = std::env::current_exe().ok()?;
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured_part*"])
        .arg(myself)
        .args(["--ignored", "--exact", part, "--test-threads=1"])
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&valgrind.stderr);
    let collected = told.lines().find_map(|line| line.split_once("Collected :"))?.1.trim().parse().ok()?;
    (valgrind.status.success() && collected > 0).then_some(collected)
}

#[inline(never)]
fn measured_part(work: impl FnOnce()) {
    work();
    std::hint::black_box(());
}

#[test]
#[ignore = "run by the test above, under valgrind"]
fn the_core_alone() {
    let mut core = Core::new();
    measured_part(|| core.work());
}

#[test]
#[ignore = "run by the test above, under valgrind"]
fn dirty_values_alone() {
    let mut core = Core::of_dirty_values();
    measured_part(|| core.work());
}

#[test]
#[ignore = "run by the test above, under valgrind"]
fn the_yardstick_alone() {
    measured_part(yardstick::work);
}
