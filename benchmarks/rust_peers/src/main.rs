//! What we are measured beside that is written in Rust: a bare echo, and the naive peer as a team in Rust would build it.

#![forbid(unsafe_code)]

mod cli;
mod echo;
mod listening;
mod naive;
mod serving;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Arguments, Peer};

/// The allocator of the extension, which our side has too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever went wrong, in words for the person at the terminal.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if even this fails.
            let _ = writeln!(io::stderr(), "utterson-rust-peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    runtime(arguments.threads)?.block_on(async {
        let serving = async {
            match &arguments.peer {
                Peer::Echo { answer_bytes } => {
                    listening::serve(&arguments.listen, echo::Echo::new(*answer_bytes)).await
                }
                Peer::Naive { database_url, connections } => {
                    let naive = naive::Naive::connect(database_url, *connections).await?;
                    listening::serve(&arguments.listen, naive).await
                }
            }
        };
        tokio::select! {
            ended = serving => ended,
            () = told_to_stop() => Ok(()),
        }
    })
}

/// One thread without the work of sharing, as the front has; or so many.
fn runtime(threads: u16) -> io::Result<Runtime> {
    match threads {
        1 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(threads.into()).enable_all().build(),
    }
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut stopped) => {
            stopped.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}
