//! Bytes of any kind through whatever takes bytes that others made: calls, values, policies, tokens, tables' rows, log
//! records and lines of files. A target turns bytes into such a thing and says what must hold of what becomes of it; more than that nothing
//! panics: what is written is read again as it was, a short way says what the long way says, nothing is spoilt unnoticed,
//! and time and memory have bounds.
//!
//! The same targets run for a moment in the ordinary tests (`tests/short.rs`) and for as long as one likes, steered by
//! the code that is reached (`make fuzz-long`).

pub mod allocating;
pub mod drawing;
pub mod driving;
pub mod seeds;
pub mod spoiling;
pub mod tables;
pub mod targets;
pub mod telling;
pub mod watching;
pub mod world;

/// Something that takes bytes which others made.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, as the command takes it.
    pub name: &'static str,
    /// Runs it on an input; panics where something does not hold.
    pub run: fn(&[u8]),
    /// Inputs that are worth beginning with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 7] = [
    Target { name: "decoding", run: targets::decoding::run, seeds: seeds::decoding },
    Target { name: "normalising", run: targets::normalising::run, seeds: seeds::normalising },
    Target { name: "policies", run: targets::policies::run, seeds: seeds::policies },
    Target { name: "tokens", run: targets::tokens::run, seeds: seeds::any },
    Target { name: "loading", run: targets::loading::run, seeds: seeds::any },
    Target { name: "payloads", run: targets::payloads::run, seeds: seeds::any },
    Target { name: "import_lines", run: targets::import_lines::run, seeds: seeds::import_lines },
];

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
