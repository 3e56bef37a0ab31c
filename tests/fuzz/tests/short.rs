//! Each target for a moment, from a seed that is told, and on every input that found something once.
//!
//! `FUZZ_SEED=… FUZZ_S=60 cargo test -p utterson-fuzz NAME -- --nocapture` repeats a run and takes it further;
//! `FUZZ_FILE=…` runs the input of a file, such as the one that a failed run wrote.

#![allow(clippy::print_stdout, reason = "a seed has to be told")]

use std::path::Path;
use std::time::Duration;

use utterson_fuzz::{driving, target};

/// How long each target runs where nothing else is told.
const MOMENT_S: u64 = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

fn run(name: &str) {
    let target = target(name).expect("a target");
    let failure = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-failure"));
    if let Some(file) = std::env::var_os("FUZZ_FILE") {
        driving::tried(target, &std::fs::read(file).expect("a file"), &failure);
        return;
    }
    for (file, input) in driving::kept(target) {
        println!("{}", file.display());
        driving::tried(target, &input, &failure);
    }
    let seed = number("FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("repeat with FUZZ_SEED={seed}, or with FUZZ_FILE={}", failure.display());
    let run = driving::run(target, Duration::from_secs(number("FUZZ_S").unwrap_or(MOMENT_S)), seed, &failure);
    println!("{} inputs of {name}", run.inputs);
    assert!(run.inputs > 20, "too few inputs to tell anything: {}", run.inputs);
}

macro_rules! targets {
    ($($name:ident),+) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })+

        #[test]
        fn every_target_has_a_test() {
            assert_eq!(utterson_fuzz::TARGETS.map(|target| target.name), [$(stringify!($name)),+]);
        }
    };
}

targets!(decoding, normalising, policies, tokens, loading, payloads, import_lines);
