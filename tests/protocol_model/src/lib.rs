//! The commit protocol as a small model (docs/decisions/0003-commit-protocol.md): three replicas, three batches, one
//! workspace, and every order of their steps and of what can go wrong. Each safeguard can be taken out.

#![forbid(unsafe_code)]

pub mod checking;
mod database;
mod replica;
pub mod safeguard;
pub mod world;
