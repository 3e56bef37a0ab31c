//! The command line.

use clap::{Parser, Subcommand};

/// A peer that the service is measured beside.
#[derive(Debug, Parser)]
#[command(name = "utterson-rust-peers", version)]
pub struct Arguments {
    /// Address, HOST:PORT.
    #[arg(long, global = true, default_value = "127.0.0.1:50051")]
    pub listen: String,
    /// Threads that serve.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: u16,
    /// Which one.
    #[command(subcommand)]
    pub peer: Peer,
}

/// The peers.
#[derive(Debug, Subcommand)]
pub enum Peer {
    /// Answers every Identify with the same bytes.
    Echo {
        /// Size of the answer.
        #[arg(long, default_value_t = 195)]
        answer_bytes: usize,
    },
    /// The naive peer's function behind a server.
    Naive {
        /// Address of the naive peer's database.
        #[arg(long)]
        database_url: String,
        /// Connections to the database.
        #[arg(long, default_value_t = 8)]
        connections: usize,
    },
}
