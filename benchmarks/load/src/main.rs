//! The benchmarks' workloads, and a client that puts them on a server at little cost of its own.

#![forbid(unsafe_code)]

mod calls_file;
mod cli;
mod codes;
mod drive;
mod files;
mod grpc;
mod load_population;
mod wire;
mod workload;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Arguments, Command};

/// Whatever went wrong, in words for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Generate(asked) => workload::write::generate(&asked),
        Command::LoadPopulation(asked) => load_population::run(&asked),
        Command::Drive(asked) => drive::run(&asked),
    };
    let told = done.and_then(|line| Ok(writeln!(io::stdout(), "{line}")?));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if even this fails.
            let _ = writeln!(io::stderr(), "utterson-load: {failure}");
            ExitCode::FAILURE
        }
    }
}
