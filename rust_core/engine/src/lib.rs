//! Decides identity calls: rules, hot index, log entries. Pure: no I/O, no clock, no randomness.
//!
//! The rooms, each of which knows only those before it: [`ids`], [`numbered`] and [`rules_version`] (numbers with
//! a meaning), [`call`] (what
//! is asked), [`fault`] (why it is refused), [`answer`] (what it is answered), [`keyed`] (digests and public ids),
//! [`normalize`] (one form for each value), [`policy`] (a workspace's settings), [`plan`] (answers and effects of a
//! batch), [`state`] (all of one workspace in memory), [`decider`] (what a rule is given), [`rules`] (one file a rule) and
//! [`decide`] (the way in: calls, imports, changed policies).
//!
//! The way of a call: [`decide::decide`] runs it through the [`rules`] on a [`state::State`] and answers a
//! [`plan::Plan`]; the caller commits the plan's entry; [`state::State::commit`] takes it in. Time and fresh ids come
//! in as arguments, so a decision is a function of (state, policy, call, time) and can be repeated anywhere.

#![forbid(unsafe_code)]

pub mod answer;
pub mod call;
pub mod decide;
pub mod decider;
pub mod fault;
pub mod ids;
pub mod keyed;
pub mod normalize;
pub mod numbered;
pub mod plan;
pub mod policy;
pub mod rules;
pub mod rules_version;
pub mod state;
#[cfg(test)]
mod testing;
