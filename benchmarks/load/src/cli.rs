//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::workload::Workload;

/// Makes the benchmarks' workloads and puts them on a server.
#[derive(Debug, Parser)]
#[command(name = "utterson-load", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a workload's files: equal arguments give equal bytes.
    Generate(Generate),
    /// Import a workload's population into a running server.
    LoadPopulation(LoadPopulation),
    /// Send a workload's calls and tell what came of it, as one JSON object.
    Drive(Drive),
}

/// What `generate` is told.
#[derive(Debug, Args)]
pub struct Generate {
    /// Which workload.
    #[arg(long)]
    pub workload: Workload,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many calls.
    #[arg(long)]
    pub calls: u64,
    /// How many profiles are there before the first call.
    #[arg(long)]
    pub population: u64,
    /// The workspace; of a workload with several, how their names begin.
    #[arg(long)]
    pub workspace: String,
    /// Give every call a request id, which costs the server a row.
    #[arg(long)]
    pub request_ids: bool,
    /// The folder to write to; made if it is not there.
    #[arg(long)]
    pub output: PathBuf,
}

/// What `load-population` is told.
#[derive(Debug, Args)]
pub struct LoadPopulation {
    /// The server, HOST:PORT.
    #[arg(long)]
    pub address: String,
    /// The workload's folder.
    #[arg(long)]
    pub input: PathBuf,
    /// Where to write the profiles' ids: i64, little endian, in the order of the population.
    #[arg(long)]
    pub profile_ids: Option<PathBuf>,
    /// Profiles in one call of `ImportProfiles`, at most.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub profiles_in_call: u32,
}

/// How calls travel.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shape {
    /// One call a message, by the method of its kind.
    Unary,
    /// `BatchResolve`.
    Batch,
    /// `StreamResolve`.
    Stream,
}

/// The freshness that calls ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Consistency {
    /// Confirmed with the database.
    Strong,
    /// From the memory of the server asked.
    Local,
}

/// What `drive` is told.
#[derive(Debug, Args)]
pub struct Drive {
    /// The server, HOST:PORT.
    #[arg(long)]
    pub address: String,
    /// The workload's `calls.bin`.
    #[arg(long)]
    pub calls: PathBuf,
    /// Calls at the beginning of the file that were used before.
    #[arg(long, default_value_t = 0)]
    pub skip: u64,
    /// How calls travel.
    #[arg(long)]
    pub shape: Shape,
    /// HTTP/2 connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub connections: u16,
    /// Messages (of a stream: streams) under way at a time, over all connections.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub callers: u16,
    /// Calls in a message of a batch or stream.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub calls_in_message: u16,
    /// Messages under way in one stream.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    pub window: u16,
    /// Seconds before measuring begins.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    pub warm_up_seconds: f64,
    /// Seconds of measuring.
    #[arg(long, default_value_t = 10.0, value_parser = seconds)]
    pub seconds: f64,
    /// Send this many calls a second, whatever the answers do; latency then counts from the time a message was due.
    /// Unary and stream only; `--callers` is the number of streams and means nothing for unary, nor does `--window`.
    #[arg(long, value_parser = seconds)]
    pub pace: Option<f64>,
    /// Ask for this freshness in every call.
    #[arg(long)]
    pub consistency: Option<Consistency>,
    /// The profiles' ids as `load-population` wrote them; needed where there are Modify calls.
    #[arg(long)]
    pub profile_ids: Option<PathBuf>,
    /// Keep the answer of each call whose index in the file divides by this.
    #[arg(long, requires = "answers", value_parser = clap::value_parser!(u32).range(1..))]
    pub sample_every: Option<u32>,
    /// Where to keep these answers.
    #[arg(long, requires = "sample_every")]
    pub answers: Option<PathBuf>,
    /// Calls made ready before the first is sent, at most; by default more than any server answers in the time.
    #[arg(long)]
    pub ready_calls_max: Option<u64>,
    /// Begin anew when the calls made ready are used up: for servers whose answers do not depend on what they have seen.
    /// Not for streams.
    #[arg(long, conflicts_with = "sample_every")]
    pub again: bool,
    /// Threads of this client.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && (0.0..1e9).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err("not a number from 0".to_owned()),
    }
}
