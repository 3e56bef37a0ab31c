//! Decides identity calls: rules, hot index, log entries. Pure: no I/O, no clock, no randomness.
//!
//! The way of a call: [`decide::decide`] runs it through the [`rules`] on a [`state::State`] and answers a
//! [`plan::Plan`]; the caller commits the plan's entry; [`state::State::commit`] takes it in. Time and fresh ids come
//! in as arguments, so a decision is a function of (state, policy, call, time) and can be repeated anywhere.

#![forbid(unsafe_code)]

pub mod admin;
pub mod apply;
pub mod asked;
pub mod call;
pub mod decide;
pub mod decider;
pub mod digest;
pub mod explain;
pub mod fault;
pub mod ids;
pub mod invariants;
pub mod normalize;
pub mod numbered;
pub mod outcome;
pub mod permutation;
pub mod plan;
pub mod policy;
pub mod rules;
pub mod state;
pub mod state_hash;
#[cfg(test)]
mod testing;
