//! C8 Order: the calls of a workspace take effect one after another, in a single order that every replica and every
//! later replay agree on. A decision is a pure function of (state before, policy, call, time given to it). A changed
//! policy judges later calls only; nothing is re-evaluated by itself.
//!
//! Source: common to both families. Implemented by [`decide`](crate::decide): a batch is decided call by call on one
//! state, and taken back; by [`State::commit`](crate::state::State::commit), which takes an entry only after the one
//! that it names and only if the state's hash comes out as it says; and by the loader, which makes the same state from
//! the tables. The tests hold the whole to it.

#[cfg(test)]
mod tests;
