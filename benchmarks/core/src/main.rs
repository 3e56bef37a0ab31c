//! What the core costs, each figure beside its alternative in the same process: a dependent cache miss, a plain map.
//!
//! `cargo run --release -p utterson-core-bench -- --quick` takes seconds; without `--quick`, under a minute.
//! A table goes to stderr, JSON to stdout.

mod allocation;
mod call;
mod decision;
mod depth;
mod figure;
mod growth;
mod holders;
mod miss;
mod plain;
mod population;
mod random;
mod scrub;
mod size;
mod sizes;
mod time;
mod whole;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::figure::Figures;
use crate::miss::Chase;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Memory, decision, loading at 100 k, 1 M and 10 M identifiers (G7, G9).
    Sizes,
    /// The whole call, bytes to bytes (G8).
    Call,
    /// Pauses while the index grows.
    Growth,
    /// Cost against identifiers in the profile (G13).
    ProfileSize,
    /// Cost against the profiles that hold one device (G13).
    Holders,
    /// Cost against merges (G13).
    Depth,
    /// A round of the scrub.
    Scrub,
}

/// Measures the core.
#[derive(Debug, Parser)]
struct Arguments {
    /// Up to 1 M identifiers and fewer runs.
    #[arg(long)]
    quick: bool,
    /// Only these numbers of identifiers.
    #[arg(long)]
    identifiers: Vec<u32>,
    /// Only these parts.
    #[arg(long, value_enum)]
    part: Vec<Part>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = |part| arguments.part.is_empty() || arguments.part.contains(&part);
    let mut figures = Figures::default();
    let usual = [100_000, 1_000_000, 10_000_000];
    let few = usual.into_iter().take(if arguments.quick { 2 } else { 3 }).collect();
    let sizes = if arguments.identifiers.is_empty() { few } else { arguments.identifiers.clone() };
    let runs = if arguments.quick { 3 } else { 7 };
    if wanted(Part::Sizes) || wanted(Part::Call) {
        let chase = match Chase::new() {
            Ok(chase) => chase,
            Err(error) => {
                let _ = writeln!(io::stderr(), "no memory to chase through: {error}");
                return ExitCode::FAILURE;
            }
        };
        if wanted(Part::Sizes) {
            sizes::measure(&mut figures, &chase, &sizes, runs);
        }
        if wanted(Part::Call) {
            call::measure(&mut figures, &chase, &sizes, runs);
        }
    }
    if wanted(Part::Scrub) {
        scrub::measure(&mut figures, &sizes);
    }
    if wanted(Part::Growth) {
        growth::measure(&mut figures, arguments.quick);
    }
    if wanted(Part::ProfileSize) {
        size::measure(&mut figures, arguments.quick);
    }
    if wanted(Part::Holders) {
        holders::measure(&mut figures, arguments.quick);
    }
    if wanted(Part::Depth) {
        depth::measure(&mut figures, arguments.quick);
    }
    let told = figures.json().map(|json| writeln!(io::stdout(), "{json}"));
    let _ = write!(io::stderr(), "{}", figures.table());
    if matches!(told, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
