//! What is made under a workspace's two secret keys: digests of personal values, public profile ids, and the hash of the
//! whole state.

pub mod digest;
pub mod eras;
pub mod permutation;
pub mod state_hash;
